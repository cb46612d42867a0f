"""Check NetworkManager keyfiles (the paths in argv) with NetworkManager's own reader, libnm.

Writes a JSON list of messages for each file. libnm passes over keys and route options that it does not know,
so the profile is written out again and compared: what got lost, NetworkManager would not act on.
"""
import json
import re
import sys

import gi

gi.require_version("NM", "1.0")
from gi.repository import GLib, NM  # noqa: E402

DIRECTORY = "/etc/NetworkManager/system-connections"
ALIASES = {"ethernet": "802-3-ethernet", "wifi": "802-11-wireless", "wifi-security": "802-11-wireless-security"}
NUMBERED = re.compile(r"(addresse?s?|routes?|routing-rule)\d+")


def keys(keyfile):
    """{(group, key): value} of a keyfile."""
    groups = keyfile.get_groups()[0]
    return {(group, key): keyfile.get_value(group, key) for group in groups for key in keyfile.get_keys(group)[0]}


def lost(keyfile, connection):
    """Keys which NetworkManager ignores: neither written again nor the name of a property (at its default)."""
    written = keys(NM.keyfile_write(connection, NM.KeyfileHandlerFlags.NONE, None, None))
    # Addresses and routes get new numbers, so all options of a group's routes are compared together.
    options = {(group, option) for (group, key), value in written.items() if key.endswith("_options")
               for option in value.split(",")}
    for (group, key), value in keys(keyfile).items():
        if key.endswith("_options"):
            for option in value.split(","):
                if (group, option) not in options:
                    yield f"{group}.{key}: {option}: unknown option, ignored"
            continue
        setting = connection.get_setting_by_name(ALIASES.get(group, group))
        properties = [spec.name for spec in setting.list_properties()] if setting else []
        known = (group, key) in written or key in properties or NUMBERED.fullmatch(key)
        if setting and not known:
            yield f"{group}.{key}: unknown key, ignored"


def check(path):
    messages = []

    def warn(_keyfile, _connection, kind, data, _user_data):
        if kind != NM.KeyfileHandlerType.WARN:
            return False
        context = NM.KeyfileHandlerData.get_context(data)
        where = ".".join(filter(None, [context.out_kf_group_name, context.out_kf_key_name]))
        messages.append(f"{where}: {NM.KeyfileHandlerData.warn_get(data)[0]}")
        return True

    try:
        keyfile = GLib.KeyFile()
        keyfile.load_from_file(path, GLib.KeyFileFlags.NONE)
        connection = NM.keyfile_read(keyfile, DIRECTORY, NM.KeyfileHandlerFlags.NONE, warn, None)
        connection.normalize(None)
        connection.verify()
        messages.extend(lost(keyfile, connection))
    except GLib.Error as error:
        messages.append(error.message)
    return messages


json.dump([check(path) for path in sys.argv[1:]], sys.stdout)
