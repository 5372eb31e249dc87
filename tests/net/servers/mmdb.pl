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
);

sub tree {
    my ($type) = @_;
    return MaxMind::DB::Writer::Tree->new(
        ip_version => 6, record_size => 24, database_type => $type, languages => ['en'],
        description => { en => 'a test' }, map_key_type_callback => sub { $types{ $_[0] } },
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
