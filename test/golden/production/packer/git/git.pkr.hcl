# Golden image for role git of cluster prod: Rocky Linux 9.
# Rendered by imgbuild: change the spec and render again, not this file.
#
#     packer build .                        both images; -only='*.bios' or -only='*.uefi' for one
#
# Packer 1.9 has the qemu plugin in it. A newer one needs it once, and required_plugins would keep 1.9 out:
#
#     packer plugins install github.com/hashicorp/qemu
#
# Nothing is typed and nothing is served: Anaconda finds ks.cfg by itself on a volume called OEMDRV, and the
# machine powers itself off when the image is done. cd_files needs xorriso, mkisofs or hdiutil.

variable "iso_url" {
  type        = string
  default     = "https://mirrors.aliyun.com/rockylinux/9/isos/x86_64/Rocky-9.8-x86_64-minimal.iso"
  description = "What is booted; packages come from the repositories that ks.cfg names."
}

variable "iso_checksum" {
  type        = string
  default     = "file:https://mirrors.aliyun.com/rockylinux/9/isos/x86_64/CHECKSUM"
  description = "file: and a list of checksums, sha256: and one, or none."
}

variable "output" {
  type        = string
  default     = "output"
  description = "The folder for images, checksums and manifests."
}

variable "disk_size" {
  type        = string
  default     = "20G"
  description = "The disk's size; a host that gets the image needs one at least as large."
}

variable "memory" {
  type        = number
  default     = 4096
  description = "MiB."
}

variable "cpus" {
  type    = number
  default = 2
}

variable "accelerator" {
  type        = string
  default     = "kvm"
  description = "kvm, or tcg where there is no KVM: many times slower."
}

variable "cpu_model" {
  type        = string
  default     = "host"
  description = "host with KVM; max with tcg. Rocky Linux 9 needs x86-64-v2."
}

variable "headless" {
  type        = bool
  default     = true
  description = "false opens a window to watch."
}

variable "shutdown_timeout" {
  type        = string
  default     = "2h"
  description = "How long the installation may take."
}

variable "boot_command" {
  type        = list(string)
  default     = []
  description = "Keys for the boot menu; left alone it starts the installation by itself."
}

variable "efi_firmware_code" {
  type        = string
  default     = "/usr/share/OVMF/OVMF_CODE_4M.fd"
  description = "UEFI without Secure Boot. On EL: /usr/share/edk2/ovmf/OVMF_CODE.fd"
}

variable "efi_firmware_vars" {
  type        = string
  default     = "/usr/share/OVMF/OVMF_VARS_4M.fd"
  description = "Its empty variables. On EL: /usr/share/edk2/ovmf/OVMF_VARS.fd"
}

source "qemu" "image" {
  iso_url      = var.iso_url
  iso_checksum = var.iso_checksum
  cd_files     = ["${path.root}/ks.cfg"]
  cd_label     = "OEMDRV"
  boot_command = var.boot_command

  communicator     = "none"
  shutdown_timeout = var.shutdown_timeout

  machine_type   = "q35"
  accelerator    = var.accelerator
  cpu_model      = var.cpu_model
  cpus           = var.cpus
  memory         = var.memory
  headless       = var.headless
  net_device     = "virtio-net"
  disk_interface = "virtio"
  disk_size      = var.disk_size

  format             = "qcow2"
  disk_discard       = "unmap"
  disk_detect_zeroes = "unmap"
  disk_compression   = true
}

build {
  name = "git"

  source "qemu.image" {
    name             = "bios"
    vm_name          = "git-bios.qcow2"
    output_directory = "${var.output}/git-bios"
  }

  source "qemu.image" {
    name              = "uefi"
    vm_name           = "git-uefi.qcow2"
    output_directory  = "${var.output}/git-uefi"
    efi_boot          = true
    efi_firmware_code = var.efi_firmware_code
    efi_firmware_vars = var.efi_firmware_vars
  }

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "${var.output}/git-${source.name}.{{.ChecksumType}}"
  }

  post-processor "manifest" {
    output = "${var.output}/git-${source.name}.manifest.json"
    custom_data = {
      role       = "git"
      os         = "rocky-9"
      kernel     = "lt"
      kubernetes = "none"
    }
  }
}
