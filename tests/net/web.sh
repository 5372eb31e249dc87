# shellcheck shell=bash
# A web server for the tests of the time to first byte; to be sourced behind
# lib.sh, with a lab up.  nginx with a certificate authority of the test's own,
# TLS, HTTP/2 and virtual hosts in the server's namespace; and web.lua.

# web_ca: an authority, and certificates for a.test and all addresses of the
# lab's server, for b.test, a self-signed one and one that has expired
web_ca() {
  local dir=$LAB_SCRATCH/tls i names
  mkdir "$dir" && : >"$dir/index" || return 1
  names=DNS:a.test,IP:$(lab_target 4),IP:$(lab_target 6),IP:$(web_address 42)
  for i in $(web_hosts); do names=$names,IP:$i; done
  cat >"$dir/conf" <<END
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = lab
[lab]
database = $dir/index
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
rand_serial = yes
policy = any
[any]
commonName = optional
[root]
basicConstraints = critical,CA:TRUE
[a]
subjectAltName = $names
[b]
subjectAltName = DNS:b.test
END
  {
    web_key ca && openssl req -x509 -config "$dir/conf" -extensions root -key "$dir/ca.key" \
      -subj '/CN=Lab CA' -days 30 -out "$dir/ca.pem" &&
      web_key self && openssl req -x509 -config "$dir/conf" -extensions a -key "$dir/self.key" \
      -subj /CN=a.test -days 30 -out "$dir/self.pem" &&
      web_certificate a a 20200101000000Z 20990101000000Z &&
      web_certificate b b 20200101000000Z 20990101000000Z &&
      web_certificate old a 20200101000000Z 20200201000000Z
  } >"$dir/log" 2>&1 || lab_die "no certificates: $(tail -n 3 "$dir/log")"
}

web_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$LAB_SCRATCH/tls/$1.key"; }

web_certificate() { # NAME EXTENSIONS FROM TO
  local dir=$LAB_SCRATCH/tls
  web_key "$1" &&
    openssl req -new -config "$dir/conf" -key "$dir/$1.key" -subj "/CN=$1" -out "$dir/$1.csr" &&
    openssl ca -batch -notext -config "$dir/conf" -extensions "$2" -in "$dir/$1.csr" \
      -startdate "$3" -enddate "$4" -out "$dir/$1.pem"
}

# Twenty more addresses of the server, which have a service, and one each that
# has none, that is silent on 443, that is slow in TLS, and that has port 80 alone.
web_hosts() { local i; for i in {10..29}; do web_address "$i"; done; }
web_address() { lab_target 4 | sed "s/[0-9]*$/$1/"; }

web_add_addresses() {
  local i
  for i in $(web_hosts) "$(web_address 40)" "$(web_address 41)" "$(web_address 42)" "$(web_address 43)"; do
    lab_ip s address add "$i/24" dev eth0 || return 1
  done
}

# web_nginx NS DIR: an nginx with its files there, and the servers of standard
# input. It listens before it returns, and tries again where another still does.
web_nginx() {
  local dir=$2 tls=$LAB_SCRATCH/tls
  mkdir "$dir" && echo "mtr-trace lab" >"$dir/index.html" || return 1
  {
    echo "user root; worker_processes 2; pid $dir/pid; error_log $dir/error.log;
events { worker_connections 512; }
http {
access_log $dir/access.log; root $dir;
client_body_temp_path $dir/t; proxy_temp_path $dir/t;
fastcgi_temp_path $dir/t; uwsgi_temp_path $dir/t; scgi_temp_path $dir/t;
ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate $tls/a.pem; ssl_certificate_key $tls/a.key;"
    cat
    echo "}"
  } >"$dir/conf"
  lab_exec "$1" nginx -p "$dir" -c "$dir/conf" -e "$dir/error.log" 2>"$dir/said" ||
    lab_die "nginx: $(tail -n 3 "$dir/said")"
}

# web_server: in the place of the lab's own nginx
web_server() {
  local tls=$LAB_SCRATCH/tls i
  lab_exec s nginx -p "$LAB_DIR" -c "$LAB_DIR/nginx.conf" -e "$LAB_DIR/error.log" -s stop
  {
    for i in $(lab_target 4) "[$(lab_target 6)]" $(web_hosts); do
      echo "server { listen $i:443 ssl http2 default_server; listen $i:80 default_server; }"
      echo "server { listen $i:443 ssl http2; listen $i:80; server_name b.test;
        ssl_certificate $tls/b.pem; ssl_certificate_key $tls/b.key; return 404; }"
      echo "server { listen $i:443 ssl http2; listen $i:80; server_name r.test;
        return 301 https://a.test/from; }"
    done
    for i in $(lab_target 4) "[$(lab_target 6)]"; do
      echo "server { listen $i:8443 ssl; ssl_certificate $tls/self.pem; ssl_certificate_key $tls/self.key; }"
      echo "server { listen $i:8445 ssl http2; listen $i:8446; $(web_long_header) }"
      echo "server { listen $i:8444 ssl; ssl_certificate $tls/old.pem; ssl_certificate_key $tls/old.key; }"
    done
  } | web_nginx s "$LAB_SCRATCH/nginx"
}

# web_serve KIND:PORT[:ADDRESS]...: see servers/web.lua; what it was asked goes
# into $LAB_SCRATCH/web.log
web_serve() {
  local line
  exec 5< <(lab_exec s lua5.4 "$TREE/tests/net/servers/web.lua" "$LAB_SCRATCH/web.log" "$@" 2>&1)
  read -r -t 10 line <&5
  [ "$line" = ready ] || lab_die "web.lua: $line"
}

# tls_serve KIND:PORT...: see servers/tls.py
tls_serve() {
  local line tls=$LAB_SCRATCH/tls
  exec 6< <(lab_exec s python3 "$TREE/tests/net/servers/tls.py" "$tls/a.pem" "$tls/a.key" "$@" 2>&1)
  read -r -t 10 line <&6
  [ "$line" = ready ] || lab_die "tls.py: $line"
}

# web_long_header: 75 KB in twenty-five lines
web_long_header() {
  local i
  for i in {1..25}; do printf 'add_header X-%d %s;\n' "$i" "$(printf '%3000s' '' | tr ' ' x)"; done
}

# web_up: all of it, and names for it
web_up() {
  printf '%s a.test b.test r.test\n' "$(lab_target 4)" "$(lab_target 6)" >"$LAB_SCRATCH/hosts" &&
    web_add_addresses && web_ca && web_server &&
    web_serve think:8050 slow:8051 endless:8052 silent:8053 garbage:8054 heads:8055 gone:8056 \
      escapes:8057 early:8058 late:8059 silent:443:"$(web_address 41)" \
      think:80:"$(web_address 42)" think:80:"$(web_address 43)" &&
    tls_serve slow:443:"$(web_address 42)" stream:8062 goaway:8063 hints:8064 hints_twice:8065 hints_alone:8066 \
      processing_tls:8067 long_line:8068 long_header:8069
}
