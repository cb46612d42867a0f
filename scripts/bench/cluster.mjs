/** A cluster of so many hosts: three control planes, three etcd members, workers; every second host bonded. */
export function clusterOf(count) {
  const hosts = Array.from({ length: count }, (_, index) => {
    const role = index < 3 ? 'master' : index < 6 ? 'etcd' : 'worker';
    const mac = (nic) => `"02:00:${hex(index >> 8)}:${hex(index)}:00:${hex(nic)}"`;
    const nics =
      role === 'etcd'
        ? `[{ mac: ${mac(1)}, networks: [management] }]`
        : `[{ mac: ${mac(1)}, networks: [management] }, { macs: [${mac(2)}, ${mac(3)}], networks: [container, storage] }]`;
    return `  - { name: ${role}-${index}, role: ${role}, serial: S${index}, nics: ${nics} }\n`;
  });
  return `name: bench
kubernetes: { version: 1.34.12, podSubnet: 10.128.0.0/10 }
networks:
  management: { cidr: 100.64.0.0/16, gateway: 100.64.0.1, dns: [223.5.5.5] }
  container: { cidr: 100.65.0.0/16, gateway: 100.65.0.1 }
  storage: { cidr: 100.66.0.0/16, gateway: 100.66.0.1, vlan: 66, shareWith: [container] }
server: http://100.64.0.5:8080
users: [{ name: devops, sudo: nopasswd, sshKeys: [] }]
hosts:
${hosts.join('')}`;
}

const hex = (value) => (value & 255).toString(16).padStart(2, '0');
