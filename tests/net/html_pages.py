#!/usr/bin/python3
# html_pages.py FOLDER: the pages in FOLDER, by a strict parser of our own, by
# html5lib, and in a headless Chromium without network, whose errors fail.  A
# harness shows the pages in frames of its own and measures them from outside:
# nothing is put into a page, so its policy holds as it does for a user.
# With a second argument the pages are only shown: FOLDER/NAME-WIDTH-SCHEME.png.

import base64, hashlib, html, json, os, re, shutil, subprocess, sys, tempfile
from html.parser import HTMLParser

import html5lib

VOID = {"meta", "wbr", "br", "img", "link", "input", "hr"}
SHAPES = {"path", "rect"}
URLS = {"src", "srcset", "action", "data", "poster", "background", "xlink:href", "style"}


class Strict(HTMLParser):
    """Every tag closed in its place, every reference met, nothing to load."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.ids, self.refs, self.wrong = [], set(), set(), []
        self.texts, self.level, self.metas = {}, 0, {}
        self.captions = self.tables = 0

    def fail(self, text):
        self.wrong.append("line %d: %s" % (self.getpos()[0], text))

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        values = dict(attrs)
        if len(values) != len(names):
            self.fail("attribute twice in <%s>" % tag)
        for name, value in attrs:
            if name.startswith("on") or name in URLS:
                self.fail("attribute %s in <%s>" % (name, tag))
            if name == "href" and not value.startswith("#"):
                self.fail("link to " + value)
            if name in ("href", "aria-labelledby"):
                self.refs.update(value.replace("#", "").split())
            if name == "id" and value in self.ids:
                self.fail("id twice: " + value)
        self.ids.add(values.get("id"))
        self.of_tag(tag, values)
        if tag not in VOID:
            self.stack.append(tag)

    def of_tag(self, tag, values):
        if re.fullmatch("h[1-6]", tag):
            if int(tag[1]) > self.level + 1:
                self.fail("%s after h%d" % (tag, self.level))
            self.level = int(tag[1])
        if tag == "th" and "scope" not in values:
            self.fail("th without scope")
        if tag == "svg" and "role" not in values and values.get("aria-hidden") != "true":
            self.fail("svg that says neither what it is nor that it is nothing")
        if tag == "meta":
            self.metas[values.get("name") or values.get("http-equiv") or "charset"] = values
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag in ("script", "link", "iframe", "object", "embed", "img", "base", "form"):
            if tag != "script" or self.stack != ["html", "body"]:
                self.fail("<%s>" % tag)

    def handle_startendtag(self, tag, attrs):
        if tag not in SHAPES or "svg" not in self.stack:
            self.fail("<%s/>" % tag)
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.fail("</%s> in the wrong place" % tag)

    def handle_data(self, data):
        if self.stack and self.stack[-1] in ("style", "script"):
            self.texts[self.stack[-1]] = data

    def finish(self):
        self.close()
        if self.stack:
            self.fail("not closed: %s" % self.stack)
        if self.refs - self.ids:
            self.fail("references to nothing: %s" % sorted(self.refs - self.ids)[:3])
        if self.tables != self.captions:
            self.fail("%d tables, %d captions" % (self.tables, self.captions))
        for name in ("charset", "viewport", "Content-Security-Policy", "color-scheme"):
            if name not in self.metas:
                self.fail("no meta " + name)
        self.policy()
        return self.wrong

    def policy(self):
        want = "default-src 'none'; style-src '%s'%s; base-uri 'none'; form-action 'none'" % (
            sha256(self.texts["style"]),
            "; script-src '%s'" % sha256(self.texts["script"]) if "script" in self.texts else "")
        got = self.metas["Content-Security-Policy"]["content"]
        if got != want:
            self.fail("policy is %s, wanted %s" % (got, want))


def sha256(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def strict_faults(text):
    parser = Strict()
    parser.feed(text)
    return parser.finish()


def html5_faults(text):
    parser = html5lib.HTMLParser()
    parser.parse(text)
    return ["%s %s %s" % error for error in parser.errors]


# ---- contrast ---------------------------------------------------------------

TEXT = ("text", "minor", "good", "bad", "link")
DRAWN = ("latency", "loss", "mean", "minor")


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    a, b = sorted((luminance(a), luminance(b)))
    return (b + 0.05) / (a + 0.05)


def contrast_faults(text):
    schemes = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
               for block in re.findall(r":root \{(.*?)\}", text, re.S)]
    pairs = [(name, ground, 4.5) for name in TEXT for ground in ("ground", "panel")]
    pairs += [(name, "ground", 3) for name in DRAWN]
    faults = ["%d schemes" % len(schemes)] if len(schemes) != 2 else []
    for scheme in schemes:
        for name, ground, least in pairs:
            got = contrast(scheme[name], scheme[ground])
            if got < least:
                faults.append("%s on %s: %.2f" % (scheme[name], scheme[ground], got))
    return faults


# ---- the browser ------------------------------------------------------------

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-dev-shm-usage", "--enable-logging=stderr"]


def chromium(url, *flags):
    """Output and errors of a browser in a namespace with no interface."""
    profile = tempfile.mkdtemp()
    try:
        done = subprocess.run(
            ["unshare", "-n", "chromium", *FLAGS, "--user-data-dir=" + profile, *flags, url],
            capture_output=True, text=True, timeout=60, env=dict(os.environ, HOME=profile))
        return done.stdout, done.stderr
    finally:
        shutil.rmtree(profile, ignore_errors=True)


HARNESS = """<!DOCTYPE html><meta charset="utf-8"><title>pages</title>
%s<pre id="result"></pre><script>
function overflowing(frame) {
  const width = frame.contentWindow.innerWidth, found = [];
  for (const e of frame.contentDocument.body.querySelectorAll("*")) {
    if (e.closest("details:not([open]) > .body")) continue;
    const box = e.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1)
        && !e.parentElement.closest(".scroll, svg")) {
      found.push(e.tagName + "." + (e.getAttribute("class") || "") + " " + Math.round(box.right));
    }
  }
  return found.slice(0, 3);
}
function drawn(doc) {
  return Array.from(doc.querySelectorAll("svg")).filter(
    (e) => e.checkVisibility() && e.getBoundingClientRect().height < 10).length;
}
function measure(frame) {
  const w = frame.contentWindow, doc = frame.contentDocument;
  return {
    name: frame.name, width: w.innerWidth, wide: doc.documentElement.scrollWidth,
    overflowing: overflowing(frame), flat: drawn(doc),
    ground: w.getComputedStyle(doc.body).backgroundColor,
    font: w.getComputedStyle(doc.body).fontSize,
    scripts: doc.scripts.length, images: doc.images.length,
    loaded: w.performance.getEntriesByType("resource").length,
    title: doc.title, rows: doc.querySelectorAll(".hops tbody tr").length,
    targets: doc.querySelectorAll(".sortable tbody tr").length,
    buttons: doc.querySelectorAll("button").length,
    nodes: doc.querySelectorAll("g.node").length,
  };
}
async function used(frame) {
  const w = frame.contentWindow, doc = frame.contentDocument;
  const rows = () => Array.from(doc.querySelectorAll(".sortable tbody tr"));
  const firsts = () => rows().slice(0, 3).map((r) => r.cells[1].textContent);
  const result = doc.querySelectorAll(".sortable th button")[1];
  result.click();
  const up = firsts();
  result.click();
  const down = firsts();
  const input = doc.querySelector("input");
  input.value = "HOST12.";
  input.dispatchEvent(new w.Event("input"));
  const left = rows().filter((r) => !r.hidden).map((r) => r.cells[0].textContent);
  const before = doc.querySelectorAll("details[open]").length;
  w.location.hash = "t12";
  await new Promise((done) => setTimeout(done, 200));
  const open = Array.from(doc.querySelectorAll("details[open] .body")).map((e) => e.id);
  return { up, down, left, before, open };
}
addEventListener("load", async () => {
  const frames = Array.from(document.querySelectorAll("iframe"));
  const out = { frames: frames.map(measure) };
  out.used = await used(frames.find((f) => f.name === "thousand-400-light"));
  document.getElementById("result").textContent = JSON.stringify(out);
});
</script>"""

FRAME = ('<iframe name="%s" width="%d" height="900"%s style="border: 0; color-scheme: %s"'
         ' srcdoc="%s"></iframe>\n')


def harness(pages, folder):
    parts = []
    for name, text in pages.items():
        for width in (400, 1280):
            for scheme in ("light", "dark"):
                if name == "usual" or (width, scheme) == (400, "light"):
                    parts.append(FRAME % ("%s-%d-%s" % (name, width, scheme), width, "",
                                          scheme, html.escape(text)))
    # Without scripts: sandboxed.
    parts.append(FRAME % ("scriptless", 400, ' sandbox="allow-same-origin"', "light",
                          html.escape(pages["three"])))
    path = os.path.join(folder, "harness.htm")
    with open(path, "w") as file:
        file.write(HARNESS % "".join(parts))
    return path


def console(errors):
    """What pages had said of them; the browser's own parts talk as well."""
    return [line for line in errors.splitlines() if "CONSOLE" in line
            and "source: chrome://" not in line and "frame is sandboxed" not in line]


def browse(path):
    dom, errors = chromium("file://" + path, "--window-size=1400,1000", "--dump-dom",
                           "--virtual-time-budget=2000")
    found = re.search(r'<pre id="result">(.+?)</pre>', dom, re.S)
    if not found:
        return None, ["no result: " + errors[-500:]]
    return json.loads(html.unescape(found.group(1))), console(errors)


# ---- cases ------------------------------------------------------------------

def case(name, faults):
    if faults:
        text = "; ".join(str(fault) for fault in faults[:4])
        print("not ok %s - %s" % (name, text.replace("\n", " ")))
    else:
        print("ok " + name)


def unless(good, text):
    return [] if good else [text]


def frame_cases(frames):
    for f in frames.values():
        case("page_fits_" + f["name"].replace("-", "_"),
             unless(f["wide"] <= f["width"], "%(wide)d px wide" % f) + f["overflowing"]
             + unless(f["flat"] == 0, "%(flat)d drawings without height" % f)
             + unless(f["loaded"] == 0, "%(loaded)d resources" % f)
             + unless(f["font"] == "15px", "its style does not hold")
             + unless(f["images"] == 0, "an image"))
    case("width_is_400", unless(frames["usual-400-light"]["width"] == 400, frames))
    grounds = [frames["usual-1280-" + s]["ground"] for s in ("light", "dark")]
    case("light_and_dark", unless(grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"], grounds))
    usual = frames["usual-1280-light"]
    case("hops_and_path_are_there", unless((usual["rows"], usual["nodes"]) == (9, 10), usual))
    hostile = frames["hostile-400-light"]
    case("hostile_names_are_text", unless(hostile["scripts"] == 0
         and "<script>alert(1)</script>" in hostile["title"], hostile))
    bare = frames["scriptless"]
    case("without_scripts_all_is_there", unless(
        (bare["targets"], bare["rows"], bare["buttons"]) == (3, 27, 0), bare))


def use_cases(used):
    case("targets_are_sorted", unless(used["up"] == ["Not traced"] * 3
         and used["down"] == ["Unreachable"] * 3, used))
    case("targets_are_filtered", unless(
        used["left"] == ["host12.example.com (93.184.216.34)"], used["left"]))
    case("sections_open_by_their_link", unless(
        used["before"] == 0 and used["open"] == ["t12"], used["open"]))


def catches(folder, text):
    """A browser that would tell: a page that loads something is noticed."""
    path = os.path.join(folder, "loads.htm")
    with open(path, "w") as file:
        file.write(text.replace("<main>", '<main><img src="http://192.0.2.1/x.png">'))
    return console(chromium("file://" + path, "--dump-dom")[1])


def test(pages, folder):
    for name, text in pages.items():
        case("strict_" + name, strict_faults(text))
        if name != "thousand":
            case("html5_" + name, html5_faults(text))
    case("contrast", contrast_faults(pages["usual"]))
    for wrong in ("<b>", "</p>", '<p id="x" id="y"></p>', '<img src="x">', "<td>x</td>"):
        text = pages["usual"].replace("</main>", wrong + "</main>")
        case("notices_" + re.sub(r"\W", "", wrong),
             unless(strict_faults(text) or html5_faults(text), "nothing noticed"))
    if not shutil.which("chromium"):
        case("chromium", ["not installed (scripts/bootstrap --tests)"])
        return
    result, errors = browse(harness(pages, folder))
    case("browser_has_nothing_to_say", errors)
    if result:
        frame_cases({f["name"]: f for f in result["frames"]})
        use_cases(result["used"])
    case("notices_a_page_that_loads", unless(catches(folder, pages["usual"]), "silence"))


def show(pages, folder):
    for name in pages:
        for width in (400, 1280):
            for scheme in ("light", "dark"):
                chromium("file://%s/%s.html" % (folder, name), *(["--force-dark-mode",
                         "--blink-settings=preferredColorScheme=0"] * (scheme == "dark")),
                         "--window-size=%d,%d" % (width, 3200 if width == 400 else 1800),
                         "--screenshot=%s/%s-%d-%s.png" % (folder, name, width, scheme))


def main():
    folder = os.path.abspath(sys.argv[1])
    pages = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".html"):
            with open(os.path.join(folder, name)) as file:
                pages[name[:-5]] = file.read()
    (show if len(sys.argv) > 2 else test)(pages, folder)


main()
