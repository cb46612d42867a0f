# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the images of Kubernetes'
patience=3600
hint='crictl pull IMAGE; do mirrors.registries and mirrors.imageRepository in the spec lead somewhere? Archives in /var/lib/imgbuild/images are loaded first'

check() {
  local image
  for image in $(wanted); do has_image "$image" || return 1; done
  is_pinned
}

act() {
  local image archive
  for archive in "$stage"/images/*.tar; do
    [ -e "$archive" ] || continue
    say "loads ${archive##*/}"
    quietly load "$archive" || fail "$archive cannot be loaded" "df -h /data; systemctl status $runtime; is the archive whole?"
  done
  for image in $(wanted); do
    has_image "$image" && continue
    say "pulls $image"
    await 1700 "the image $image" crictl --timeout 600s pull "$image"
  done
  is_pinned || quietly ctr -n k8s.io images label "$pause_image" "$pinned=pinned" ||
    fail "$pause_image cannot be pinned"
}

# wanted: kubeadm knows what a control plane is made of.
wanted() {
  if [ -n "$control_plane" ]; then
    kubeadm config images list --config "$root/etc/imgbuild/kubeadm/cluster.yaml" 2>/dev/null
  else
    printf '%s\n' "$image_repository/kube-proxy:v$kubernetes_version"
  fi
  printf '%s\n' "$pause_image"
}

has_image() { crictl --timeout 10s inspecti -q "$1" >/dev/null 2>&1; }

load() {
  if [ "$runtime" = docker ]; then docker load -i "$1"; else import "$1"; fi
}

# A power cut in the middle leaves half a layer, which containerd goes on with by its name in the archive, whichever archive that
# is. Nothing else says so, and only its own folder shows it.
import() {
  ctr -n k8s.io images import "$1" && return
  systemctl stop containerd.service && rm -rf "$root"/data/containerd/io.containerd.content.v1.content/ingest/* &&
    systemctl start containerd.service && ctr -n k8s.io images import "$1"
}

# A kubelet short of disk space removes images that no container uses, which it cannot see of the pause's, and no pod
# starts after that where it cannot be pulled. containerd pins it where it pulls it, and not where it is loaded.
pinned=io.cri-containerd.pinned
is_pinned() {
  [ "$runtime" = docker ] ||
    ctr -n k8s.io images ls -q "name==$pause_image,labels.\"$pinned\"==pinned" | grep -qxF "$pause_image"
}
