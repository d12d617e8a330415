"""Which DNS providers the bridges lead to, and what they call them there.

It is written down here so that ``dns01 providers WORD`` can answer before any bridge is installed.
Of lexicon's names, those of the package hold where it is installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

# What people write as well; what only one of the table's columns has needs no entry.
ALSO_KNOWN_AS = {
    **dict.fromkeys(("bind", "bind9", "named", "nsupdate", "knot", "tsig", "ddns", "dnsupdate"), "rfc2136"),
    **dict.fromkeys(("aws", "amazon"), "route53"),
    **dict.fromkeys(("google", "gcp", "googlecloud", "dns_gcloud"), "gcloud"),
    **dict.fromkeys(("gandiv5", "livedns"), "gandi"),
    **dict.fromkeys(("pdns", "dns_pdns"), "powerdns"),
    "cf": "cloudflare",
    "do": "digitalocean",
    "azuredns": "azure",
    "ovhcloud": "ovh",
    **dict.fromkeys(("acme-dns", "joohoi"), "acmedns"),
}

# The name in lego, in dns-lexicon and in acme.sh ("-": it is not there), and what people call it.
TABLE = """\
-                 -               dns_1984hosting                         1984.hosting
-                 localzone       -                                       a zone file here (localzone)
acmedns           -               dns_acmedns                             acme-dns
-                 -               dns_acmeproxy                           acmeproxy
active24          -               dns_active24                            Active24
edgedns           -               dns_edgedns                             Akamai EdgeDNS
alidns            aliyun          dns_ali                                 Alibaba Cloud DNS
allinkl           -               dns_kas                                 ALL-INKL
-                 -               dns_alviy                               Alviy.com
alwaysdata        -               dns_ad                                  Alwaysdata
route53           route53         dns_aws                                 Amazon Route 53
anexia            -               dns_anx                                 Anexia CloudDNS
safedns           safedns         -                                       ANS SafeDNS
artfiles          -               dns_artfiles                            ArtFiles
arvancloud        arvancloud      dns_arvan                               ArvanCloud
auroradns         aurora          dns_aurora                              Aurora DNS
autodns           -               dns_autodns,dns_schlundtech             AutoDNS
azion             -               dns_azion                               Azion
azuredns          azure           dns_azure                               Azure DNS
baiducloud        -               dns_baidu                               Baidu Cloud
beget             -               dns_beget                               Beget.com
-                 -               dns_bh                                  Best-Hosting.cz
-                 -               dns_bhosted                             bHosted.nl
bookmyname        -               dns_bookmyname                          BookMyName
bunny             -               dns_bunny                               Bunny
clouddns          -               dns_clouddns                            CloudDNS
cloudflare        cloudflare      dns_cf                                  Cloudflare
cloudns           cloudns         dns_cloudns                             ClouDNS
-                 cloudxns        -                                       CloudXNS
conoha            conoha          dns_conoha                              ConoHa v2
constellix        constellix      dns_constellix                          Constellix
corenetworks      -               dns_cn                                  Core-Networks
cpanel            -               dns_cpanel,dns_cpanel_uapi              cPanel, WHM
curanet           -               dns_curanet                             Curanet
-                 -               dns_cyon                                cyon.ch
czechia           -               dns_czechia                             Czechia
ddnss             -               dns_ddnss                               DDNSS
desec             desec           dns_desec                               deSEC
-                 devnomads       -                                       DevNomads
digitalocean      digitalocean    dns_dgon                                DigitalOcean
dinahosting       dinahosting     -                                       Dinahosting
directadmin       directadmin     dns_da                                  DirectAdmin
dnsmadeeasy       dnsmadeeasy     dns_me                                  DNS Made Easy
-                 dnspark         -                                       DNS Park
dnsla             -               dns_la                                  dns.la
dnsservices       dnsservices     dns_dnsservices                         DNS.services
dnsexit           -               dns_dnsexit                             DNSExit
dnshomede         -               dns_dnshome                             dnsHome.de
dnsimple          dnsimple        dns_dnsimple                            DNSimple
-                 dnspod          dns_dp,dns_dpi                          DNSPod
dode              -               dns_doapi                               Domain Offensive (do.de)
domeneshop        -               dns_domeneshop                          Domeneshop
dreamhost         dreamhost       dns_dreamhost                           DreamHost
duckdns           duckdns         dns_duckdns                             Duck DNS
-                 -               dns_durabledns                          DurableDNS.com
dyn               -               dns_dyn                                 Dyn
rfc2136           ddns            dns_knot,dns_nsupdate                   Dynamic updates (RFC 2136)
dyndnsfree        -               dns_df                                  DynDnsFree.de
dynu              dynu            dns_dynu                                Dynu
-                 -               dns_dynv6                               DynV6.com
easydns           easydns         dns_easydns                             EasyDNS
-                 easyname        -                                       easyname
edgecenter        -               dns_edgecenter                          EdgeCenter
efficientip       -               dns_efficientip                         EfficientIP
eurodns           -               dns_eurodns                             EuroDNS
euserv            euserv          dns_euserv                              EUserv
exoscale          exoscale        dns_exoscale                            Exoscale
-                 -               dns_firestorm                           Firestorm.ch
-                 flexibleengine  -                                       Flexible Engine
fornex            -               dns_fornex                              Fornex
-                 -               dns_freedns                             FreeDNS
freemyip          -               dns_freemyip                            freemyip.com
gcore             -               dns_gcore                               G-Core
gandiv5           gandi           dns_gandi_livedns                       Gandi LiveDNS
gehirn            gehirn          -                                       Gehirn
-                 -               dns_geoscaling                          GeoScaling.com
glesys            glesys          -                                       GleSYS
gname             -               dns_gname                               Gname
godaddy           godaddy         dns_gd                                  GoDaddy
gcloud            googleclouddns  dns_gcloud                              Google Cloud DNS
-                 -               dns_googledomains                       Google Domains
-                 gratisdns       -                                       GratisDNS
hetzner           hetzner         dns_hetznercloud                        Hetzner
-                 -               dns_hexonet                             Hexonet.com
hostingde         hostingde       dns_hostingde                           Hosting.de
hostup            -               dns_hostup                              HostUp
-                 hover           -                                       Hover
httpnet           httpnet         -                                       http.net
huaweicloud       -               dns_huaweicloud                         Huawei Cloud
hurricane         henet           dns_he,dns_he_ddns                      Hurricane Electric DNS
ibmcloud          softlayer       -                                       IBM Cloud (SoftLayer)
infoblox          infoblox        dns_infoblox                            Infoblox
-                 -               dns_infoblox_uddi                       Infoblox UDDI
infomaniak        infomaniak      dns_infomaniak                          Infomaniak
internetbs        internetbs      dns_internetbs                          Internet.bs
inwx              inwx            dns_inwx                                INWX
ionos             ionos           dns_ionos                               IONOS
ionoscloud        -               dns_ionos_cloud                         IONOS Cloud
-                 -               dns_ipprojects                          IP-Projects DNS
ipv64             -               dns_ipv64                               IPv64
ispconfig         -               dns_ispconfig                           ISPConfig 3
jdcloud           -               dns_jd                                  JD Cloud
joker             joker           dns_joker                               Joker
-                 -               dns_kappernet                           kapper.net
-                 -               dns_kinghost                            King.host
leaseweb          -               dns_leaseweb                            Leaseweb
limacity          -               dns_limacity                            Lima-City
linode            linode,linode4  dns_linode,dns_linode_v4                Linode
loopia            -               dns_loopia                              Loopia
luadns            luadns          dns_lua                                 LuaDNS
mailinabox        -               dns_miab                                Mail-in-a-Box
-                 -               dns_maradns                             MaraDNS Server
-                 memset          -                                       Memset
-                 -               dns_mgwm                                mgw-media.de
mijnhost          -               dns_mijnhost                            mijn.host
-                 misaka          dns_misaka                              Misaka.io
-                 -               dns_mydevil                             MyDevil.net
mydnsjp           -               dns_mydnsjp                             MyDNS.jp
mythicbeasts      mythicbeasts    dns_mythic_beasts                       Mythic Beasts
namedotcom        namecom         dns_namecom                             Name.com
namecheap         namecheap       dns_namecheap                           Namecheap
-                 -               dns_nm                                  NameMaster.de
namesilo          namesilo        dns_namesilo                            NameSilo
-                 -               dns_nanelo                              Nanelo.com
nearlyfreespeech  nfsn            -                                       NearlyFreeSpeech.NET
nederhost         -               dns_nederhost                           NederHost
neodigit          -               dns_neodigit                            Neodigit
netcup            netcup          dns_netcup                              netcup
netlify           -               dns_netlify                             Netlify
-                 -               dns_nw                                  Nexcess.net (NocWorx)
njalla            njalla          dns_njalla                              Njalla
-                 -               dns_nsd                                 NLnetLabs NSD Server
ns1               nsone           dns_nsone                               NS1
omglol            -               dns_omglol                              omg.lol
-                 onapp           -                                       OnApp
-                 -               dns_one                                 one.com
onlinenet         online          dns_online                              Online.net
openprovider      -               dns_openprovider,dns_openprovider_rest  Openprovider
designate         -               dns_openstack                           OpenStack Designate
-                 -               dns_opnsense                            OPNsense Server
opusdns           -               dns_opusdns                             OpusDNS
oraclecloud       oci             dns_oci                                 Oracle Cloud
ovh               ovh             dns_ovh                                 OVHcloud
plesk             plesk           dns_pleskxml                            Plesk
pointdns          pointhq         dns_pointhq                             PointDNS/PointHQ
porkbun           porkbun         dns_porkbun                             Porkbun
poweradmin        -               dns_poweradmin                          Poweradmin
pdns              powerdns        dns_pdns                                PowerDNS
-                 -               dns_qc                                  QUIC.cloud
-                 -               dns_rackcorp                            RackCorp.com
rackspace         rackspace       dns_rackspace                           Rackspace Cloud DNS
rage4             rage4           dns_rage4                               Rage4
rcodezero         rcodezero       dns_rcode0                              RcodeZero
regru             -               dns_regru                               reg.ru
regfish           regfish         -                                       Regfish
nicru             -               dns_nic                                 RU CENTER
sakuracloud       sakuracloud     -                                       Sakura Cloud
scaleway          scaleway        dns_scaleway                            Scaleway
selectelv2        -               dns_selectel                            Selectel v2
selfhostde        -               dns_selfhost                            SelfHost.de
servercow         -               dns_servercow                           Servercow
simply            -               dns_simply,dns_unoeuro                  Simply.com
-                 -               dns_sitehost                            SiteHost
-                 -               dns_sotoon                              Sotoon.ir
spaceship         -               dns_spaceship                           Spaceship
-                 gransy          dns_subreg                              Subreg.cz
technitium        -               dns_technitium                          Technitium
tele3             -               dns_tele3                               Tele3
tencentcloud      qcloud          dns_tencent                             Tencent Cloud DNS
timewebcloud      timeweb         dns_timeweb                             Timeweb Cloud
transip           transip         dns_transip                             TransIP
ultradns          ultradns        dns_ultra                               UltraDNS
-                 -               dns_udr                                 united-domains Reselling
-                 valuedomain     -                                       Value Domain
variomedia        -               dns_variomedia                          Variomedia
veesp             -               dns_veesp                               Veesp
vercel            vercel,zeit     dns_vercel                              Vercel
-                 -               dns_virakcloud                          VirakCloud
vscale            -               dns_vscale                              Vscale
vultr             vultr           dns_vultr                               Vultr
websupport        -               dns_websupport                          Websupport
wedos             wedos           -                                       WEDOS
westcn            -               dns_west_cn                             West.cn
-                 -               dns_world4you                           World4You.com
yandex360         -               dns_yandex360                           Yandex 360
yandexcloud       yandexcloud     dns_yc                                  Yandex Cloud
yandex            yandex          -                                       Yandex PDD
zilore            zilore          dns_zilore                              Zilore
zoneee            -               dns_zone                                Zone.ee
zoneedit          -               dns_zoneedit                            ZoneEdit
zonomi            zonomi          dns_zonomi                              Zonomi
"""


class Bridged(NamedTuple):
    """A DNS provider that a bridge leads to, by its names."""

    title: str
    lego: tuple[str, ...]
    lexicon: tuple[str, ...]
    acmesh: tuple[str, ...]


def bridged(lexicon: Set[str] | None = None) -> Iterator[Bridged]:
    """Every provider that a bridge leads to, in the order of the titles. Where ``lexicon`` says
    which providers dns-lexicon has, it is right about them."""
    written: set[str] = set()
    for line in TABLE.splitlines():
        *columns, title = line.split(None, 3)
        lego, ours, acmesh = (() if column == "-" else tuple(column.split(",")) for column in columns)
        written.update(ours)
        in_lexicon = tuple(name for name in ours if lexicon is None or name in lexicon)
        if in_lexicon or acmesh:
            yield Bridged(title, lego, in_lexicon, acmesh)
    for name in sorted(set(lexicon or ()) - written):
        yield Bridged(name, (), (name,), ())


def installed_lexicon() -> Set[str] | None:
    """The providers of the dns-lexicon that is installed, or None. Nothing of it is imported, which
    would take a second."""
    spec = find_spec("lexicon")
    places = (spec.submodule_search_locations if spec else None) or ()
    files = {file.stem for place in places for file in Path(place, "_private", "providers").glob("*.py")}
    return files - {"__init__", "auto"} or None
