"""Lay out disks as Anaconda does: its requests, worked out by its library, blivet.

Reads JSON from stdin, [{"handler": "RHEL9", "firmware": "bios" | "uefi", "disks": {NAME: BYTES, ...},
"kickstart": "part ..."}, ...], and writes for each case, with sizes in MiB, {"partitions": [{"disk", "number",
"start", "size"}, ...], "arrays": [{"name", "level", "members": ["DISK:NUMBER", ...]}, ...], "volumes": [{"group",
"name", "size"}, ...], "filesystems": [{"device", "type", "label", "mount", "options"}, ...]}, or {"error": "..."}.
A case may say the bytes of its disks' sectors ("sector": 4096), and those that they are best aligned to ("grain"):
without, that is what parted takes. Disks are sparse files that nothing is written to. What becomes of a command
follows Anaconda's CustomPartitioningTask (el7: the execute methods in kickstart.py, which do the same).
"""
import contextlib
import json
import os
import sys
import tempfile
from unittest.mock import MagicMock, PropertyMock, patch

import gi
import parted

# The library below, which runs mdadm, lvm and mkfs: nothing is made here, and each blivet asks for its own version.
BlockDev = sys.modules["gi.repository.BlockDev"] = MagicMock()
BlockDev.try_reinit.return_value = (True, [])
BlockDev.md.get_superblock_size.return_value = 2**20
require_version = gi.require_version
gi.require_version = lambda name, version: name == "BlockDev" or require_version(name, version)

from blivet import storage_log  # noqa: E402

# Most of its time.
storage_log.log_method_call = storage_log.log_method_return = lambda *args, **kwargs: None

from blivet import Blivet, arch, udev  # noqa: E402
from blivet.devices import DiskFile  # noqa: E402
from blivet.formats import fslib, get_format  # noqa: E402
from blivet.formats.disklabel import DiskLabel  # noqa: E402
from blivet.partitioning import do_partitioning, grow_lvm  # noqa: E402
from blivet.size import Size  # noqa: E402
from blivet.tasks.availability import ExternalResource  # noqa: E402
from pykickstart.commands.partition import FC3_PartData as PartData  # noqa: E402
from pykickstart.parser import KickstartParser  # noqa: E402
from pykickstart.version import makeVersion  # noqa: E402

# The installer has all programs and file systems, whatever this machine has.
ExternalResource.availability_errors = []
fslib.kernel_filesystems.extend(["ext4", "vfat", "xfs"])
udev.settle = lambda quiet=False: None
# clearpart --disklabel=gpt
DiskLabel.set_default_label_type("gpt")

MIB = 2**20


def mebibytes(number):
    return Size(f"{number} MiB") if number else None


def format_of(command):
    kind = command.mountpoint.split(".")[0]
    known = {"raid": "mdmember", "pv": "lvmpv", "biosboot": "biosboot"}.get(kind)
    if known:
        return get_format(known)
    options = command.fsopts
    if isinstance(command, PartData) and command.mountpoint == "/boot/efi":
        options = "defaults,uid=0,gid=0,umask=077,shortname=winnt"
    return get_format(command.fstype, mountpoint=command.mountpoint, label=command.label, mountopts=options)


def find(storage, name):
    """A device by its name, or by the one that its request had: partitions are renamed when they are allocated."""
    devices = storage.devicetree.devices
    return storage.devicetree.get_device_by_name(name) or next(
        device for device in devices if getattr(device, "req_name", None) == name
    )


def add_disk(storage, path, size):
    with open(path, "wb") as stream:
        stream.truncate(size)
    disk = DiskFile(path, size=Size(size))
    storage.devicetree._add_device(disk)
    storage.initialize_disk(disk)  # clearpart --initlabel
    return disk


def request_partition(storage, part):
    name = {"name": part.mountpoint} if part.mountpoint.startswith(("raid.", "pv.")) else {}
    partition = storage.new_partition(
        parents=[find(storage, part.disk)],
        fmt=format_of(part),
        size=mebibytes(part.size),
        grow=part.grow,
        maxsize=mebibytes(part.maxSizeMB),
        primary=part.primOnly,
        **name,
    )
    storage.create_device(partition)
    return partition


def create_array(storage, raid):
    members = [find(storage, member) for member in raid.members]
    array = storage.new_mdarray(
        name=raid.device,
        level=raid.level,
        parents=members,
        member_devices=len(members) - raid.spares,
        total_devices=len(members),
        fmt=format_of(raid),
    )
    storage.create_device(array)
    return array


def create_group(storage, group, arrays):
    """`pv.NAME` is a partition, or the array of the `raid` command that said so."""
    physical = [find(storage, arrays.get(name, name)) for name in group.physvols]
    storage.create_device(storage.new_vg(name=group.vgname, parents=physical))


def create_volume(storage, command):
    volume = storage.new_lv(
        name=command.name,
        parents=[find(storage, command.vgname)],
        fmt=format_of(command),
        size=mebibytes(command.size),
        grow=command.grow,
        maxsize=mebibytes(command.maxSizeMB),
    )
    storage.create_device(volume)
    return volume


def lay_out(case, folder):
    arch.is_efi = lambda: case["firmware"] == "uefi"
    handler = makeVersion(case["handler"])
    KickstartParser(handler).readKickstartFromString(case["kickstart"])
    storage = Blivet()
    disks = [add_disk(storage, os.path.join(folder, name), size) for name, size in case["disks"].items()]
    partitions = [request_partition(storage, part) for part in handler.partition.partitions]
    do_partitioning(storage, boot_disk=disks[0])
    arrays = [create_array(storage, raid) for raid in handler.raid.raidList]
    for group in handler.volgroup.vgList:
        create_group(storage, group, {raid.mountpoint: raid.device for raid in handler.raid.raidList})
    volumes = [create_volume(storage, volume) for volume in handler.logvol.lvList]
    grow_lvm(storage)
    return {
        "partitions": [describe_partition(partition) for partition in partitions],
        "arrays": [
            {"name": array.name, "level": array.level.name, "members": [place(member) for member in array.parents]}
            for array in arrays
        ],
        "volumes": [
            {"group": volume.vg.name, "name": volume.lvname, "size": int(volume.size) / MIB} for volume in volumes
        ],
        "filesystems": [
            *(describe_format(partition, f"part:{place(partition)}") for partition in mounted(partitions)),
            *(describe_format(array, f"array:{array.name}") for array in mounted(arrays)),
            *(describe_format(volume, f"lv:{volume.vg.name}/{volume.lvname}") for volume in mounted(volumes)),
        ],
    }


def mounted(devices):
    return [device for device in devices if device.format.mountable]


def place(partition):
    return f"{partition.disk.name}:{partition.parted_partition.number}"


def describe_format(device, name):
    made = device.format
    return {
        "device": name,
        "type": made.type,
        "label": made.label,
        "mount": made.mountpoint,
        "options": made.options,
    }


def describe_partition(partition):
    geometry = partition.parted_partition.geometry
    sector = partition.disk.format.parted_device.sectorSize
    return {
        "disk": partition.disk.name,
        "number": partition.parted_partition.number,
        "start": geometry.start * sector / MIB,
        "size": geometry.length * sector / MIB,
    }


def aligned(grain, sector):
    """What a controller says of its stripes, parted takes for its disks' best alignment."""
    if grain is None:
        return contextlib.nullcontext()
    alignment = PropertyMock(return_value=parted.Alignment(offset=0, grainSize=grain // sector))
    return patch.object(parted.Device, "optimumAlignment", alignment)


def answer(case):
    sector = case.get("sector", 512)
    os.environ["PARTED_SECTOR_SIZE"] = str(sector)
    with tempfile.TemporaryDirectory() as folder, aligned(case.get("grain"), sector):
        try:
            return lay_out(case, folder)
        except Exception as error:  # whatever would stop the installer
            return {"error": f"{type(error).__name__}: {error}"}


with contextlib.redirect_stdout(sys.stderr):
    answers = [answer(case) for case in json.load(sys.stdin)]
json.dump(answers, sys.stdout)
