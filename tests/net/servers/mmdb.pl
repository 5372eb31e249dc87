#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# mmdb.pl FOLDER: writes asn.mmdb and city.mmdb with MaxMind's own writer.
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

my %types = (
    autonomous_system_number => 'uint32', autonomous_system_organization => 'utf8_string',
    country => 'map', iso_code => 'utf8_string', subdivisions => ['array', 'map'],
    city => 'map', names => 'map', en => 'utf8_string',
    location => 'map', latitude => 'double', longitude => 'double',
    asn => 'utf8_string', as_name => 'utf8_string', as_domain => 'utf8_string',
    country_code => 'utf8_string', region => 'utf8_string', lat => 'utf8_string',
    lng => 'utf8_string', as_number => 'uint32', as_org => 'utf8_string', colour => 'utf8_string',
);

# A key that is a map with MaxMind is a text in flat layouts.
sub tree {
    my ($type, %own) = @_;
    return MaxMind::DB::Writer::Tree->new(
        ip_version => 6, record_size => 24, database_type => $type, languages => ['en'],
        description => { en => 'a test' }, map_key_type_callback => sub { $own{ $_[0] } // $types{ $_[0] } },
    );
}

sub save {
    my ($tree, $file) = @_;
    open my $out, '>:raw', $file or die "$file: $!";
    $tree->write_tree($out);
    close $out or die "$file: $!";
}

my $asn = tree('GeoLite2-ASN');
$asn->insert_network('62.20.0.0/16',
    { autonomous_system_number => 3301, autonomous_system_organization => "From\x{1b}[2J File" });
$asn->insert_network('2a00:1::/32',
    { autonomous_system_number => 3301, autonomous_system_organization => 'From File' });
save($asn, "$ARGV[0]/asn.mmdb");

sub place {
    my ($country, $region, $city, $latitude, $longitude) = @_;
    return {
        country => { iso_code => $country }, subdivisions => [{ names => { en => $region } }],
        city => { names => { en => $city } },
        location => { latitude => $latitude, longitude => $longitude },
    };
}

my $city = tree('GeoLite2-City');
$city->insert_network('62.20.0.0/16', place('SE', 'Stockholm', 'Solna', 59.36, 18.0));
$city->insert_network('93.184.216.0/24', place('US', 'California', 'Los Angeles', 34.05, -118.24));
save($city, "$ARGV[0]/city.mmdb");

# IPinfo's layout, of networks and of places; a flat one of neither; and one
# that holds neither AS numbers nor places.
my $info = tree('ipinfo generic_lite.mmdb', country => 'utf8_string');
$info->insert_network('62.20.0.0/16', {
    asn => 'AS3301', as_name => "Link\x{f6}ping N\x{e4}t", as_domain => 'example.net',
    country => 'Sweden', country_code => 'SE' });
save($info, "$ARGV[0]/ipinfo.mmdb");

my $where = tree('ipinfo standard_location.mmdb', country => 'utf8_string', city => 'utf8_string');
$where->insert_network('62.20.0.0/16', {
    city => "Link\x{f6}ping", region => "\x{d6}sterg\x{f6}tland", country => 'SE',
    lat => '58.41', lng => '15.62' });
save($where, "$ARGV[0]/ipinfo-city.mmdb");

my $flat = tree('flat');
$flat->insert_network('62.20.0.0/16', { as_number => 3301, as_org => 'Flat Networks' });
save($flat, "$ARGV[0]/flat.mmdb");

my $colours = tree('colours');
$colours->insert_network('62.20.0.0/16', { colour => 'green', as_domain => 'example.net' });
save($colours, "$ARGV[0]/colours.mmdb");
