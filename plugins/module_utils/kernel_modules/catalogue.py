# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel modules that no Docker host needs, with the reason for each, and those that one does need. Pure data.

Sources: the CIS Debian Linux 12 and 13 benchmarks (sections 1.1.1 and 3.2), the lists of rare protocols of Debian,
Ubuntu and Fedora, Kicksecure's security-misc, and the published holes in the modules themselves.
"""

from __future__ import annotations

import fnmatch
import re
import typing as t
from dataclasses import dataclass

from ..controls.model import BASELINE, PROFILES, STRICT

# Denied only where the user names it: too many hosts need it.
CHOICE = "choice"


@dataclass(frozen=True)
class Entry:
    """Modules that are denied together; one control.

    name: what the user writes to leave them alone, or to choose them.
    title: what they are, for the control's title. breaks: what stops working.
    """

    name: str
    modules: tuple[str, ...]
    title: str
    reason: str
    references: tuple[str, ...] = ()
    profile: str = BASELINE
    breaks: str = ""


_MOUNTED = "Who may mount a file system, or plug a disk in, reaches its parser in the kernel with data of their own."
_SOCKETS = "An ordinary user's socket() loads the protocol, and with it code that few have looked at."
_RARE = "Kicksecure security-misc"
_SECTION = ("CIS Debian 12 1.1.1", "CIS Debian 13 1.1.1")


def _file_system(name: str, number: int, what: str) -> Entry:
    references = (f"CIS Debian 12 1.1.1.{number}", "CIS Debian 13 1.1.1", _RARE)
    return Entry(name, (name,), f"the {what} file system", _MOUNTED, references, breaks=f"mounting {what} media")


_ENTRIES = (
    _file_system("cramfs", 1, "cramfs"),
    _file_system("freevxfs", 2, "Veritas (freevxfs)"),
    _file_system("hfs", 3, "Apple HFS"),
    _file_system("hfsplus", 4, "Apple HFS+"),
    _file_system("jffs2", 5, "flash (jffs2)"),
    Entry(
        "old_file_systems",
        ("adfs", "affs", "befs", "bfs", "efs", "hpfs", "minix", "omfs", "qnx4", "qnx6", "sysv", "ufs"),
        "file systems of systems that are gone",
        _MOUNTED,
        _SECTION,
        breaks="mounting disks of Acorn, Amiga, BeOS, SCO, IRIX, OS/2, QNX and BSD systems",
    ),
    Entry(
        "rare_file_systems",
        ("gfs2", "jfs", "nilfs2", "ntfs3", "orangefs", "reiserfs", "romfs", "ubifs", "zonefs"),
        "file systems that few servers use",
        _MOUNTED,
        (*_SECTION, _RARE),
        STRICT,
        breaks="mounting such file systems later; one that is mounted or named in /etc/fstab is left alone",
    ),
    Entry(
        "udf",
        ("udf",),
        "the UDF file system",
        _MOUNTED,
        ("CIS Debian 12 1.1.1.8", "CIS Debian 13 1.1.1", _RARE),
        STRICT,
        breaks="DVDs, and the provisioning disk of some clouds (Azure's is UDF)",
    ),
    Entry(
        "ksmbd",
        ("ksmbd",),
        "the SMB server inside the kernel",
        "A network server in the kernel; several of its holes gave remote code execution (CVE-2022-47939).",
        (_RARE, "CVE-2022-47939"),
        STRICT,
        breaks="ksmbd-tools; Samba does not use it",
    ),
    Entry(
        "dccp",
        ("dccp", "dccp_ipv4", "dccp_ipv6", "dccp_diag"),
        "the DCCP protocol",
        f"{_SOCKETS} CVE-2017-6074 gave root; the kernel dropped it in 6.16.",
        ("CIS Debian 12 3.2.1", "CIS Debian 13 3.2", "KSPP", "CVE-2017-6074"),
    ),
    Entry(
        "tipc",
        ("tipc", "tipc_diag"),
        "the TIPC protocol",
        f"{_SOCKETS} CVE-2021-43267 could be used from the network.",
        ("CIS Debian 12 3.2.2", "CIS Debian 13 3.2", "CVE-2021-43267"),
        breaks="cluster software that speaks TIPC",
    ),
    Entry(
        "rds",
        ("rds", "rds_tcp", "rds_rdma"),
        "the RDS protocol",
        f"{_SOCKETS} CVE-2010-3904 gave root.",
        ("CIS Debian 12 3.2.3", "CIS Debian 13 3.2", "CVE-2010-3904"),
        breaks="Oracle clusters",
    ),
    Entry(
        "sctp",
        ("sctp", "sctp_diag"),
        "the SCTP protocol",
        _SOCKETS,
        ("CIS Debian 12 3.2.4", "CIS Debian 13 3.2"),
        STRICT,
        breaks="telephony in containers, and ports that Docker publishes as /sctp",
    ),
    Entry(
        "atm",
        ("atm", "br2684", "clip", "lec", "mpoa", "pppoatm"),
        "ATM networks",
        _SOCKETS,
        ("CIS Debian 13 3.2", _RARE),
        breaks="ADSL cards",
    ),
    Entry(
        "can",
        ("can", "can_bcm", "can_gw", "can_isotp", "can_j1939", "can_raw"),
        "the CAN bus",
        f"{_SOCKETS} CVE-2021-3609 and CVE-2010-2959 gave root.",
        ("CIS Debian 13 3.2", _RARE, "CVE-2021-3609"),
        breaks="gateways to machines and vehicles; left alone where there is a CAN interface",
    ),
    Entry(
        "amateur_radio",
        ("ax25", "netrom", "rose", "6pack", "baycom_epp", "baycom_par", "bpqether", "hdlcdrv", "mkiss", "yam"),
        "amateur radio",
        _SOCKETS,
        ("Debian and Ubuntu blacklist-rare-network", _RARE),
    ),
    Entry(
        "old_networks",
        ("appletalk", "decnet", "econet", "ipx", "lapb", "llc2", "p8022", "p8023", "phonet", "pn_pep", "psnap", "x25"),
        "networks of the past",
        _SOCKETS,
        ("Debian and Ubuntu blacklist-rare-network", _RARE),
        breaks="AppleTalk, DECnet, Econet, IPX, X.25, Phonet",
    ),
    Entry(
        "small_radio",
        ("af_802154", "ieee802154", "ieee802154_6lowpan", "ieee802154_socket", "mac802154", "nfc", "nci", "hci"),
        "sensor radio and NFC",
        _SOCKETS,
        ("Debian and Ubuntu blacklist-rare-network", _RARE),
        breaks="IEEE 802.15.4 and NFC devices",
    ),
    Entry(
        "rare_protocols",
        (
            "af_key",
            "batman_adv",
            "caif",
            "caif_socket",
            "hsr",
            "kcm",
            "l2tp_ip",
            "l2tp_ip6",
            "rxrpc",
            "smc",
            "smc_diag",
        ),
        "protocols that few servers speak",
        _SOCKETS,
        (_RARE, "CVE-2022-27666"),
        STRICT,
        breaks="AFS, mesh networks, L2TP over IP, old IPsec tools that use PF_KEY",
    ),
    Entry(
        "line_disciplines",
        ("n_hdlc", "n_gsm", "slip", "ppp_synctty"),
        "rare line disciplines of terminals",
        "An ordinary user loads them with a pseudo terminal; CVE-2017-2636 and CVE-2023-6546 gave root.",
        (_RARE, "CVE-2017-2636", "CVE-2023-6546"),
        breaks="modems driven by the kernel",
    ),
    Entry(
        "firewire",
        (
            *("firewire_core", "firewire_net", "firewire_ohci", "firewire_sbp2"),
            *("dv1394", "ohci1394", "raw1394", "sbp2", "video1394"),
        ),
        "FireWire",
        "A device on this bus may read and write the memory of the host.",
        ("CIS Debian 13 1.1.1", "DISA STIG RHEL 9 SV-257806", _RARE),
        breaks="FireWire devices",
    ),
    Entry(
        "thunderbolt",
        ("thunderbolt", "thunderbolt_net"),
        "Thunderbolt",
        "A device on this bus may read and write the memory of the host unless an IOMMU stops it.",
        (_RARE,),
        STRICT,
        breaks="Thunderbolt and USB4 devices",
    ),
    Entry(
        "bluetooth",
        ("bluetooth", "bnep", "btusb", "hidp", "rfcomm"),
        "Bluetooth",
        "Whoever is near reaches the parser in the kernel (BleedingTooth, CVE-2020-12351).",
        ("DISA STIG RHEL 9 SV-258039", _RARE, "CVE-2020-12351"),
        STRICT,
        breaks="Bluetooth keyboards and the like",
    ),
    Entry(
        "test_drivers",
        ("vivid", "vimc", "vicodec", "visl"),
        "drivers for tests of video software",
        "Devices that exist only for tests; CVE-2019-18683 (vivid) gave root.",
        ("KSPP", _RARE, "CVE-2019-18683"),
    ),
    Entry(
        "usb_storage",
        ("usb_storage", "uas", "ums_realtek"),
        "disks on USB",
        "Data leave, and programs come in, on a stick that somebody plugs in.",
        ("CIS Debian 12 1.1.1.9", "CIS Debian 13 1.1.1", "DISA STIG RHEL 9 SV-257880"),
        CHOICE,
        breaks="USB disks and sticks, the virtual media of many management boards",
    ),
)

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
MODULES: dict[str, Entry] = {module: entry for entry in _ENTRIES for module in entry.modules}

# Never deniable: patterns of names, and what stands on them.
PROTECTED: dict[str, str] = {
    "overlay": "Docker's overlay2 storage is this file system (CIS asks for its denial; a Docker host cannot follow)",
    "bridge": "Docker's networks are bridges",
    "br_netfilter": "Docker filters what crosses its bridges with it",
    "stp": "the bridge needs it",
    "llc": "the bridge needs it",
    "veth": "each container's network interface is one",
    "vxlan": "overlay networks of several hosts are made of it",
    "macvlan": "Docker has networks of this kind",
    "macvtap": "Docker has networks of this kind",
    "ipvlan": "Docker has networks of this kind",
    "8021q": "Docker's macvlan and ipvlan networks use VLANs",
    "dummy": "Docker makes such interfaces for internal networks",
    "tun": "rootless Docker's network is one",
    "udp_tunnel": "vxlan needs it",
    "ip6_udp_tunnel": "vxlan needs it",
    "ip_vs*": "Swarm balances its services with it",
    "ip_set*": "firewalls beside Docker use it",
    "ip_tables": "Docker's firewall rules stand in it",
    "ip6_tables": "Docker's firewall rules stand in it",
    "iptable_*": "Docker's firewall rules stand in it",
    "ip6table_*": "Docker's firewall rules stand in it",
    "ipt_*": "Docker's firewall rules use it",
    "ip6t_*": "Docker's firewall rules use it",
    "x_tables": "Docker's firewall rules stand in it",
    "xt_*": "Docker's firewall rules use it",
    "nf_*": "Docker's firewall rules and address translation use it",
    "nft_*": "Docker's firewall rules use it",
    "nfnetlink*": "Docker's firewall rules use it",
    "nfnetlink": "Docker's firewall rules use it",
    "xfrm_*": "encrypted overlay networks use it",
    "esp4": "encrypted overlay networks use it",
    "esp6": "encrypted overlay networks use it",
    "ipv6": "Docker's networks may use it; it is switched off by other means",
    "af_packet": "DHCP clients use it",
    "fuse": "rootless Docker's storage uses it",
    "loop": "disk images and snaps are mounted with it",
    "squashfs": "snaps, Docker's among them, are this file system (CIS asks for its denial)",
    "vfat": "the EFI system partition is this file system",
    "fat": "the EFI system partition is this file system",
    "ext4": "hosts start from it",
    "xfs": "hosts start from it",
    "btrfs": "hosts start from it",
    "virtio*": "virtual machines see disks and networks by it",
    "nvme*": "hosts start from such disks",
    "dm_*": "encrypted disks and volume groups use it",
}


def demanded(profile: str) -> dict[str, Entry]:
    """The entries that *profile* denies, by name; none for another word."""
    reach = PROFILES[: PROFILES.index(profile) + 1] if profile in PROFILES else ()
    return {name: entry for name, entry in ENTRIES.items() if entry.profile in reach}


# A kernel has thousands of modules; one expression tells nearly all of them apart at once.
_ANY_PROTECTED = re.compile("|".join(map(fnmatch.translate, PROTECTED)))


def protection(module: str) -> str:
    """Why the module is never denied, or the empty string."""
    if not _ANY_PROTECTED.match(module):
        return ""
    found = (why for pattern, why in PROTECTED.items() if fnmatch.fnmatchcase(module, pattern))
    return next(found, "")


def canonical(name: t.Any) -> str:
    """A module's name as the kernel shows it; files and users may write hyphens."""
    return str(name).strip().replace("-", "_")
