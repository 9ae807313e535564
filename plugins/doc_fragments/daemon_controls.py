# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options by which the daemon's controls are chosen, waived and met."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  controls:
    description:
      - The ids of the controls that the run is about, such as V(daemon.icc). Of the profile only their settings are
        made, and only they are judged. Without any, it is about all of them.
    type: list
    elements: str
    default: []
  waivers:
    description: Leave to break controls. An expired one counts as absent, and one that nothing needs is reported.
    type: list
    elements: dict
    default: []
    suboptions:
      control:
        description: The control's id, such as V(daemon.tcp_tls).
        type: str
        required: true
      reason:
        description: Why, in a sentence that an auditor understands.
        type: str
        required: true
      expires:
        description: The last day on which it counts, as YYYY-MM-DD.
        type: str
        required: true
  allow_hidden:
    description:
      - The word that a changed C(userns-remap) or C(data-root) needs where there are containers. The engine gets
        another place for its data and does not see them any more, nor the images and volumes, until it is changed back.
      - With it, the containers that run are stopped first, because nobody would be in charge of them afterwards.
        They are started again when the setting is changed back; one that does not start is a warning.
      - The same holds where O(state=absent) takes such a setting back.
    type: bool
    default: false
  tls:
    description:
      - Make a certificate authority, a server's and a client's certificate below O(tls_directory), and have the daemon
        demand a client's certificate on its TCP sockets. They are made by C(openssl), which must be installed.
      - A certificate is made anew when it ends soon, does not fit its key or its authority, or is not for a name that
        it should be for. The daemon is restarted then, and a new authority takes all others with it.
      - C(client) in that directory is one for C(DOCKER_CERT_PATH). Whoever has its key is root on the host.
      - O(state=absent) removes what was made.
    type: bool
    default: false
  tls_names:
    description:
      - Further names and addresses by which clients reach the daemon. The host's name, C(localhost), 127.0.0.1 and the
        addresses in C(hosts) are in the certificate anyway.
    type: list
    elements: str
    default: []
  tls_directory:
    description: Where the certificates and keys are, for root only.
    type: path
    default: /etc/docker/tls
  tls_days:
    description: How many days the server's and the client's certificate last. The authority lasts twenty years.
    type: int
    default: 365
  tls_renew_before:
    description: How many days before its end a certificate is made anew.
    type: int
    default: 30
"""
