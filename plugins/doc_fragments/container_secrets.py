# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

# The options of a container's secrets, a part of the fragment `container`.
OPTIONS = r"""
secrets:
  description:
    - Secrets as files below C(/run/secrets), read-only inside. They are in no environment, label, image, writable
      layer, difference, result or log.
    - Needs root and the host's own engine, by a C(unix://) address. O(@state=absent) removes them after the container.
    - They lie in C(/var/lib/caisson/secrets), which only root can enter, so that they are there again after a reboot.
      They are not encrypted there; put that directory on an encrypted file system where the disk may be stolen.
    - One that somebody changed on the host is found and mended.
    - "Control: container.host_paths lets the container's own directory pass, and no other container's."
  type: list
  elements: dict
  suboptions:
    name:
      description: The secret's name, which is its file's too, without O(@secrets[].target).
      type: str
      required: true
    value:
      description:
        - The text, as it is to be in the file; no line end is added. Best from Ansible Vault.
        - It has to be a string, in quotes where YAML reads it as something else. At most 500 KiB.
      type: raw
    value_b64:
      description: The bytes in base64, instead of O(@secrets[].value).
      type: raw
    target:
      description: The file, C(/run/secrets/FILE) or only C(FILE).
      type: str
    mode:
      description: The file's mode in octal digits, in quotes. Without it V(0400). The right to execute is refused.
      type: raw
    uid:
      description: The owner. Without it the number of O(@user), else of the image's user; needed where that is a name.
      type: int
    gid:
      description:
        - The group. Without it the number in O(@user), else V(0).
        - Needed where O(@secrets[].mode) gives the group a right and the user names none by number.
      type: int
secrets_rotation:
  description:
    - What another content, owner or mode leads to.
    - V(replace) replaces the container safely. The former one keeps the former secrets until the new one is healthy.
    - V(in_place) changes the files under the running container, each in one step, and restarts nothing. With another
      change that needs a replacement it acts as V(replace).
  type: str
  choices: [replace, in_place]
  default: replace
secrets_signal:
  description:
    - The signal that tells the running container of a change in place, such as V(HUP). Without it none is sent.
    - Docker takes a container that got a signal for one that was stopped by hand, so after a restart of the engine it
      does not start one with O(@restart_policy=unless-stopped) again.
  type: str
"""
