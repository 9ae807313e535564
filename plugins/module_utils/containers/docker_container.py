# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of community.docker.docker_container that are not taken here: why, and what to write instead. Pure data.

A playbook that comes from there is told so by name; ``docs/coming-from-docker_container.md`` tells the same.
"""

from __future__ import annotations

_WHOLE = "the whole state is always compared"
_SAFE = "a replacement never takes a running container away before its successor is healthy"

# Option: (the end of the sentence "<option> ...", what to write instead).
REFUSED: dict[str, tuple[str, str]] = {
    # Renamed, or said in another way.
    "detach": ("is not needed, for a container always runs in the background", "remove it"),
    "env_file": ("would hide from the policy what it brings", "write the variables into env"),
    "image_comparison": (f"has no meaning here, for {_WHOLE}", "remove it"),
    "image_label_mismatch": (f"has no meaning here, for {_WHOLE}", "write labels of your own over the image's"),
    "image_name_mismatch": ("has no meaning here, for the image itself counts and not its name", "remove it"),
    "network_mode": ("is part of networks here", "write networks: [{name: host}], [{name: none}] or [{name: NETWORK}]"),
    "networks_cli_compatible": ("is how networks always work here", "remove it"),
    "default_host_ip": ("would open ports that name no address", "write the address into each of published_ports"),
    "kill_signal": ("is the signal of a kill, which only follows where a stop took too long", "use stop_signal"),
    "command_handling": ("is always correct here", "remove it"),
    "pull_check_mode_behavior": ("has no meaning here, for a prediction asks the registry", "remove it"),
    "keep_volumes": ("is always so here: no volume is ever removed", "remove it"),
    "removal_wait_timeout": ("has no meaning here, for a removal is always waited for", "remove it"),
    # Aliases there.
    "expose": ("is an alias there", "write exposed_ports"),
    "exposed": ("is an alias there", "write exposed_ports"),
    "forcekill": ("is not taken", "shorten stop_timeout"),
    "log_opt": ("is an alias there", "write log_options"),
    "ports": ("is an alias there", "write published_ports"),
    # What would bypass the comparison, the replacement or the policy.
    "auto_remove": ("takes the container away with the evidence of why it ended", "remove it with state: absent"),
    "cleanup": ("takes the container away with the evidence of why it ended", "remove it with state: absent"),
    "comparisons": (f"has no meaning here, for {_WHOLE}", "remove it"),
    "container_default_behavior": ("has no meaning here, for what is not given is hardened", "remove it"),
    "cpu_period": ("is a part of what cpus says", "write cpus, such as 0.5"),
    "cpu_quota": ("is a part of what cpus says", "write cpus, which is the quota divided by the period"),
    "force_kill": ("gives the program no chance to end", "shorten stop_timeout"),
    "kernel_memory": (
        "is gone from the kernel and from current engines",
        "write memory, which counts the kernel's too",
    ),
    "links": ("is a legacy of the default bridge", "name the containers on one network; they find each other by name"),
    "mac_address": ("is not told by current engines, so that it could not be compared", "remove it"),
    "output_logs": ("is for containers that end, which are commands", "read the log where log_driver sends it"),
    "paused": ("is no state that should last", "write state: stopped"),
    "platform": ("is a property of the image", "name the image of that platform by its digest"),
    "publish_all_ports": ("opens ports that nobody named, on every address", "write each one into published_ports"),
    "recreate": (f"is done where something differs, and {_SAFE}", "remove it"),
    "restart": ("would interrupt a container that is as it should be", "use a handler with docker restart"),
    "volume_driver": ("belongs to the volume", "create the volume with its driver, and name it in mounts"),
    "volumes_from": ("hands in whatever another container has", "name each volume in mounts"),
    # The connection.
    "api_version": ("is agreed on with the engine", "remove it"),
    "debug": ("has no meaning here", "run ansible-playbook with -vvv"),
    "tls": ("would trust any engine", "write ca_path, client_cert and client_key"),
    "tls_hostname": ("is taken from docker_host", "name the engine in docker_host as its certificate does"),
    "use_ssh_client": ("is not taken", "let Ansible connect to the host, and use its socket"),
    "validate_certs": ("is always so here", "write ca_path"),
}


def refusal(option: str) -> tuple[str, str] | None:
    """What is wrong with an option of docker_container that is not taken, and what to do; None for any other."""
    found = REFUSED.get(option)
    if found is None:
        return None
    problem, remedy = found
    return f"is an option of docker_container that is not taken: it {problem}", remedy
