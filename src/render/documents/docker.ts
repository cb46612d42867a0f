import type { SharedDocument } from './types.ts';

/** Docker's configuration. JSON has no comments, so nothing in it says who wrote it. */
export const docker: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/docker/daemon.json'],
  render(cluster, kind) {
    if (!kind.overlays.includes('docker')) return [];
    const mirrors = cluster.registryMirrors['docker.io'] ?? [];
    // Docker insists on TLS unless told otherwise, even where the mirror's URL says http.
    const insecure = mirrors.filter((url) => url.startsWith('http://')).map((url) => new URL(url).host);
    const config = {
      'data-root': '/data/docker',
      'exec-opts': ['native.cgroupdriver=systemd'],
      // Named, it also keeps Docker 29 from storing images in containerd, which cri-dockerd does not count.
      'storage-driver': 'overlay2',
      'log-driver': 'json-file',
      'log-opts': { 'max-size': '100m', 'max-file': '5' },
      // Containers outlive an update of Docker.
      'live-restore': true,
      ...(mirrors.length > 0 ? { 'registry-mirrors': mirrors } : {}),
      ...(insecure.length > 0 ? { 'insecure-registries': insecure } : {}),
    };
    return [{ path: '/etc/docker/daemon.json', content: `${JSON.stringify(config, null, 2)}\n` }];
  },
};
