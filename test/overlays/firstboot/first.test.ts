/** What a control plane does about the etcd that it is to be part of, before it joins. */
import { afterEach, describe, expect, test } from 'vitest';
import { Host } from './host.ts';

let host: Host;
afterEach(() => host.remove());

/** A step that forgets the host's former member; etcdctl lists these. */
function make(list: string, topology = 'stacked') {
  host = new Host(undefined, ['base', 'node', 'control-plane']);
  const step = `title=join patience=20 hint=''\n. "$libexec/firstboot/first.sh"
check() { [ -e "$root/done" ]; }\nact() { forget_member; : >"$root/done"; }\n`;
  host.only('80-init', step);
  const conf = {
    host: 'm3',
    role: 'master',
    report_url: '',
    etcd_topology: topology,
    node_address: '10.0.0.3',
  };
  const more = { mark: '0badca', etcd_endpoints: 'https://10.0.0.1:2379,https://10.0.0.3:2379' };
  host.write(
    'etc/imgbuild/firstboot.conf',
    Object.entries({ ...conf, ...more })
      .map(([key, value]) => `${key}='${value}'\n`)
      .join(''),
  );
  host.write('run/imgbuild/firstboot/etcd-client.crt', 'certificate');
  host.write('list', list);
  host.program(
    'etcdctl',
    'case $* in *" member list") cat "$ROOT/list" ;; *" member remove "*) shift $(($# - 1)); echo "remove $1" >>"$ROOT/log" ;; esac',
  );
  host.write('on-sleep', 'touch "$ROOT/done"');
}

const row = (n: number, id: string) =>
  `${id}, started, m${n}, https://10.0.0.${n}:2380, https://10.0.0.${n}:2379, false\n`;
const removed = async () => {
  const { out } = await host.run('run');
  const calls = host.read('log').split('\n');
  return { out, removed: calls.filter((line) => line.startsWith('remove')) };
};

describe("a stacked member of etcd that was this host's", () => {
  // An address that begins as this host's is another's.
  const others = row(1, 'a1') + row(30, 'a30');

  test('is taken out where its data is gone', async () => {
    make(others + row(3, 'a3'));
    const { out, removed: ids } = await removed();
    expect(ids).toEqual(['remove a3']);
    expect(out).toContain("this host's former member of etcd, a3, is taken out: its data is gone");
  });

  test('stays where its data is here: the join was cut off', async () => {
    make(others + row(3, 'a3'));
    host.write('data/etcd/data/member/wal/0000000000000000-0000000000000000.wal', '');
    expect((await removed()).removed).toEqual([]);
  });

  test('is not looked for on a host that never was one, or has none', async () => {
    make(others);
    expect((await removed()).removed).toEqual([]);
    host.remove();
    make(others + row(3, 'a3'), 'external');
    expect((await removed()).removed).toEqual([]);
  });

  test('is not joined anew without a quorum', async () => {
    make('');
    host.program('etcdctl', 'exit 1');
    expect((await removed()).out).toContain(
      'failed: no quorum of etcd answers. See: start the other control planes.',
    );
  });
});
