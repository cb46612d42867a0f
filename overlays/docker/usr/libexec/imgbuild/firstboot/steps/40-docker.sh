# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='Docker'
patience=600
hint='systemctl status docker; journalctl -u docker'

check() {
  local info
  info=$(docker info --format '{{.CgroupDriver}} {{.DockerRootDir}}' 2>/dev/null) && [[ $info == 'systemd /data/'* ]] || return 1
  [ -z "$node" ] || crictl --timeout 5s info
}

act() {
  local info
  quietly systemctl start docker.service || fail 'Docker does not start'
  await 120 'Docker' docker info
  info=$(docker info --format '{{.CgroupDriver}} {{.DockerRootDir}}')
  [[ $info == 'systemd /data/'* ]] ||
    fail "Docker has the cgroup driver and the folder '$info', where 'systemd /data/…' is wanted" 'cat /etc/docker/daemon.json'
  [ -n "$node" ] || return 0
  quietly systemctl start cri-docker.socket cri-docker.service || fail 'cri-dockerd does not start' 'systemctl status cri-docker'
  await 120 'cri-dockerd' crictl --timeout 5s info
}
