"""Options of section [oslo_policy], as Neutron's operators know them."""

from pathlib import Path
from typing import Any

from oslo_config import cfg

from kaon.cmd.configured import WrongSettings
from kaon.server.control.policy_settings import PolicySettings, Remote

_FILE = "policy.yaml"

OPTIONS = {
    "oslo_policy": [
        cfg.StrOpt(
            "policy_file",
            help="Rules that replace default ones, beside the configuration file; by default policy.yaml, if it is there.",
        ),
        cfg.MultiStrOpt("policy_dirs", default=["policy.d"], help="Directories of further such files, read after it."),
        cfg.StrOpt("policy_default_rule", default="default", help="The rule that is asked for what has none."),
        cfg.BoolOpt("enforce_new_defaults", default=True, help="The defaults are Neutron's new ones; there are no others."),
        cfg.StrOpt(
            "remote_content_type",
            default=Remote.remote_content_type,
            choices=["application/x-www-form-urlencoded", "application/json"],
            help="How http: and https: rules ask.",
        ),
        cfg.BoolOpt("remote_ssl_verify_server_crt", default=False, help="Whether https: rules verify the server."),
        cfg.StrOpt("remote_ssl_ca_crt_file", help="Certificates that https: rules trust."),
        cfg.StrOpt("remote_ssl_client_crt_file", help="Certificate of this server for https: rules."),
        cfg.StrOpt("remote_ssl_client_key_file", help="Its key."),
        cfg.FloatOpt("remote_timeout", default=Remote.remote_timeout, min=0, help="Seconds that such rules wait."),
    ]
}
"""Section -> its options."""


def policy(conf: Any) -> PolicySettings:
    """What [oslo_policy] says. Errors: WrongSettings."""
    given = conf.oslo_policy
    if not given.enforce_new_defaults:
        raise WrongSettings("[oslo_policy] enforce_new_defaults = false: there are no old defaults here; write rules")
    return PolicySettings(
        file=_beside(conf, given.policy_file or _FILE),
        needed=given.policy_file is not None,
        directories=tuple(path for path in (_beside(conf, name) for name in given.policy_dirs) if path is not None),
        default_rule=given.policy_default_rule,
        remote=Remote(**{name: getattr(given, name) for name in vars(Remote())}),
    )


def _beside(conf: Any, name: str) -> Path | None:
    """A path that is relative to the last configuration file; None: there is no such file, and the name says nothing alone."""
    path = Path(name)
    if path.is_absolute():
        return path
    return Path(conf.config_file[-1]).absolute().parent / path if conf.config_file else None
