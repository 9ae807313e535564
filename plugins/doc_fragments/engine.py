# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The options of the connection to the engine, of every module that talks to it.
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Where the engine is reached.
      - Without it, the environment variable E(DOCKER_HOST) is used.
    type: str
    default: unix:///var/run/docker.sock
  ca_path:
    description: The certificate of the authority that signed the engine's, where it is reached over TLS.
    type: path
  client_cert:
    description: The client's certificate, where the engine is reached over TLS.
    type: path
  client_key:
    description: The client's key, where the engine is reached over TLS.
    type: path
  timeout:
    description: How long one answer of the engine may take, in seconds.
    type: int
    default: 60
requirements:
  - Docker SDK for Python >= 5.0 on the host
  - Docker Engine >= 20.10 (API 1.41)
  - for containers alone, Podman >= 4.3 behind its Docker-compatible socket will do too
"""
