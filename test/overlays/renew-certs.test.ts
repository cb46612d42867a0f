/** The renewal of a control plane's certificates, with real certificates and stand-ins for kubeadm, the kubelet and the API. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';

const program = join(import.meta.dirname, '../../overlays/control-plane/usr/libexec/imgbuild/renew-certs');
const CONF = `host='m2'
node_address='10.0.0.2'
api_servers='m1=10.0.0.1 m2=10.0.0.2 m3=10.0.0.3'
`;
const LEAVES = ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client', 'apiserver-etcd-client'];
const CONFS = ['admin', 'controller-manager', 'scheduler'];
const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/** Files by their path, or `null` for one that is not there. */
type Files = Record<string, string | null>;

/** What stands before the machine's own programs. Each call is a line of `calls`; at call number CUT the power goes. */
const PROGRAMS: Record<string, string> = {
  kubeadm: `[ "$1" != version ] || { echo v1.36.1; exit 0; }
[ -z "$OLD_FORM" ] || [ "$4" != --config ] || { echo 'no kind "InitConfiguration" is registered'; exit 3; }
[ "$4" != --config ] || cp "$5" "$ROOT/config"
for file in "$ROOT"/etc/kubernetes/pki/{apiserver,apiserver-kubelet-client,front-proxy-client}.crt; do
  # As kubeadm does: the old certificate is read, and written over.
  openssl x509 -in "$file" -noout || exit 1
  : >"$file"
  [ -z "\${CUT_KUBEADM-}" ] || kill -9 "$(cat "$ROOT/pid")" $PPID $$
  cp "$ROOT/new.crt" "$file"
done
for file in "$ROOT"/etc/kubernetes/*.conf; do
  echo "    client-certificate-data: $(base64 -w 0 "$ROOT/new.crt")" >"$file"
done`,
  crictl: `case $1 in
  ps) name=\${!#}; name=\${name#*=}; cat "$ROOT/containers/\${name%-m2}" 2>/dev/null || : ;;
  stop) for file in "$ROOT"/containers/*; do
      [ "$(cat "$file")" = "\${!#}" ] || continue
      # The kubelet's part. It takes what certificates there are.
      if [ "\${DEAD-}" = "\${file##*/}" ]; then rm "$file"; else echo "\${!#}+" >"$file"; fi
      cp "$ROOT/etc/kubernetes/pki/apiserver.crt" "$ROOT/serves-\${file##*/}"
    done ;;
esac`,
  curl: `for url; do :; done
case " \${DOWN-} " in *" $url "*) exit 7 ;; esac`,
  date: `if [ "$1" = +%j ]; then echo "\${DAY:-001}"; else exec /bin/date "$@"; fi`,
  sleep: ':',
  sync: ':',
  systemctl: '[ "$NO_KUBELET" != yes ]',
};

const wrapper = (name: string, body: string) => `#!/bin/bash
echo "${name} $*" >>"$ROOT/calls"
${body}
code=$?
if [ -n "\${CUT-}" ] && [ "$(wc -l <"$ROOT/calls")" -ge "$CUT" ]; then
  kill -9 "$(cat "$ROOT/pid")"
fi
exit $code
`;

const certificates = new Map<number, string>();
const folder = mkdtempSync(join(tmpdir(), 'imgbuild-test-'));
const key = join(folder, 'key');
writeFileSync(
  key,
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' }),
);
afterAll(() => rmSync(folder, { recursive: true }));

/** A certificate with so many days left; they are all alike. */
function certificate(days: number): string {
  const known = certificates.get(days);
  if (known) return known;
  const made = execFileSync(
    'openssl',
    ['req', '-x509', '-key', key, '-subj', '/CN=x', '-days', String(days)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  certificates.set(days, made);
  return made;
}

const kubeconfig = (days: number) =>
  `users:\n- name: x\n  user:\n    client-certificate-data: ${Buffer.from(certificate(days)).toString('base64')}\n    client-key-data: eA==\n`;

/** A control plane whose certificates have so many days left. */
async function controlPlane(days: number, files: Files = {}): Promise<string> {
  const root = await scratch();
  const all: Files = {
    'etc/imgbuild/firstboot.conf': CONF,
    'etc/imgbuild/kubeadm/init.yaml': 'kind: InitConfiguration\nbootstrapTokens: []\n',
    'etc/imgbuild/kubeadm/cluster.yaml':
      'kind: ClusterConfiguration\nkubernetesVersion: v1.34.12\n---\nkind: KubeletConfiguration\n',
    'etc/kubernetes/manifests/kube-apiserver.yaml': 'a static pod\n',
    'etc/kubernetes/pki/ca.crt': certificate(3650),
    'etc/kubernetes/pki/ca.key': 'the key of ca\n',
    'etc/kubernetes/pki/front-proxy-ca.key': 'the key of front-proxy-ca\n',
    ...Object.fromEntries(LEAVES.map((name) => [`etc/kubernetes/pki/${name}.crt`, certificate(days)])),
    ...Object.fromEntries(CONFS.map((name) => [`etc/kubernetes/${name}.conf`, kubeconfig(days)])),
    ...Object.fromEntries(COMPONENTS.map((name) => [`containers/${name}`, `${name}-1\n`])),
    'var/lib/imgbuild/kept': '',
    'new.crt': certificate(365),
    calls: '',
    ...files,
  };
  for (const [path, content] of Object.entries(all)) {
    if (content === null) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  mkdirSync(join(root, 'bin'));
  for (const [name, body] of Object.entries(PROGRAMS))
    writeFileSync(join(root, 'bin', name), wrapper(name, body), { mode: 0o755 });
  return root;
}

interface Env {
  /** Day of the year: 001 is this host's turn. */
  DAY?: string;
  /** URLs that do not answer. */
  DOWN?: string;
  DEAD?: string;
  NO_KUBELET?: string;
  /** kubeadm refuses what was rendered. */
  OLD_FORM?: string;
  CUT?: string;
  CUT_KUBEADM?: string;
}

async function renew(root: string, env: Env = {}, ...args: string[]) {
  writeFileSync(join(root, 'calls'), '');
  const path = `${root}/bin:${process.env.PATH}`;
  const command = 'echo $$ >"$ROOT/pid"; exec bash "$@"';
  const result = await run('bash', ['-c', command, '-', program, '--root', root, ...args], {
    env: { ...env, ROOT: root, PATH: path },
  }).catch(() => ({ exitCode: 137, lines: [] }));
  const calls = readFileSync(join(root, 'calls'), 'utf8').trim().split('\n');
  return { ...result, calls, said: result.lines.join('\n') };
}

/** What was done to the host, in order. */
const deeds = (calls: readonly string[]) =>
  calls
    .filter((call) => /^kubeadm certs|^crictl stop/.test(call))
    .map((call) => call.replace(/ --timeout 60| --config .*/, ''));
const DEEDS = [
  'kubeadm certs renew all',
  'crictl stop kube-apiserver-1',
  'crictl stop kube-controller-manager-1',
  'crictl stop kube-scheduler-1',
];
const remains = (root: string) =>
  ['certs-phase', 'certs-before', 'certs-before.part', 'certs-phase.part'].filter((name) =>
    existsSync(join(root, 'var/lib/imgbuild', name)),
  );
const isNew = (root: string, path: string) => readFileSync(join(root, path), 'utf8') === certificate(365);

function expectRenewed(root: string): void {
  for (const name of ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client'])
    expect([name, isNew(root, `etc/kubernetes/pki/${name}.crt`)]).toEqual([name, true]);
  for (const name of COMPONENTS) expect([name, isNew(root, `serves-${name}`)]).toEqual([name, true]);
  expect(readFileSync(join(root, 'etc/kubernetes/manifests/kube-apiserver.yaml'), 'utf8')).toBe(
    'a static pod\n',
  );
  expect(remains(root)).toEqual([]);
}

beforeAll(() => {
  for (const days of [365, 3650]) certificate(days);
});

describe('when', { timeout: 300_000 }, () => {
  test('there is time, it does nothing', async () => {
    const root = await controlPlane(200);
    const { exitCode, said, calls } = await renew(root);
    expect([exitCode, said]).toEqual([0, expect.stringMatching(/^(199|200) days are left$/)]);
    expect(deeds(calls)).toEqual([]);
  });

  test('less than 60 days are left, it renews them and restarts what goes by them, one after the other', async () => {
    const root = await controlPlane(50);
    const { exitCode, said, calls } = await renew(root);
    expect([exitCode, said]).toEqual([0, expect.stringContaining('done: 36')]);
    expect(deeds(calls)).toEqual(DEEDS);
    expectRenewed(root);
  });

  test.each([
    ['in a kubeconfig', { 'etc/kubernetes/scheduler.conf': kubeconfig(50) }],
    ['in a file', { 'etc/kubernetes/pki/front-proxy-client.crt': certificate(50) }],
  ])('it is one certificate alone, %s, all are renewed', async (_, files) => {
    const root = await controlPlane(200, files);
    expect(deeds((await renew(root)).calls)).toEqual(DEEDS);
  });

  test('a certificate was signed elsewhere, it is not this program’s', async () => {
    const root = await controlPlane(200, {
      'etc/kubernetes/pki/apiserver-etcd-client.crt': certificate(3),
    });
    expect(deeds((await renew(root)).calls)).toEqual([]);
    const none = await controlPlane(3, {
      'etc/kubernetes/pki/ca.key': null,
      'etc/kubernetes/pki/front-proxy-ca.key': null,
    });
    expect(await renew(none)).toMatchObject({ exitCode: 0, said: expect.stringContaining('no authority') });
  });

  test('it is another’s turn, it waits; with --now it does not', async () => {
    const root = await controlPlane(50);
    const { exitCode, said, calls } = await renew(root, { DAY: '002' });
    expect([exitCode, said]).toEqual([
      0,
      expect.stringContaining('another control plane’s turn'.replace('’', "'")),
    ]);
    expect(deeds(calls)).toEqual([]);
    expect(deeds((await renew(root, { DAY: '002' }, '--now')).calls)).toEqual(DEEDS);
  });

  test('each day is just one host’s, however days are written', async () => {
    for (const day of ['009', '365']) {
      const turns = [];
      for (const host of ['m1', 'm2', 'm3']) {
        const root = await controlPlane(50, {
          'etc/imgbuild/firstboot.conf': CONF.replace("host='m2'", `host='${host}'`),
        });
        const { said } = await renew(root, { DAY: day, NO_KUBELET: 'yes' });
        if (said.includes('the kubelet does not run')) turns.push(host);
      }
      expect([day, turns.length]).toEqual([day, 1]);
    }
  });

  test('another API server is not ready, it does not add to it, until there is no time', async () => {
    const DOWN = 'https://10.0.0.3:6443/readyz';
    const root = await controlPlane(50);
    const { exitCode, said, calls } = await renew(root, { DOWN });
    expect([exitCode, said]).toEqual([1, expect.stringContaining('the API server of m3 is not ready')]);
    expect(deeds(calls)).toEqual([]);
    expect(remains(root)).toEqual([]);
    const late = await controlPlane(5);
    expect((await renew(late, { DOWN, DAY: '002' })).exitCode).toBe(0);
    expectRenewed(late);
  });

  test('one cannot be read, it says what kubeadm says of it, and stops nothing', async () => {
    const root = await controlPlane(200, { 'etc/kubernetes/pki/apiserver.crt': 'rubbish\n' });
    const { exitCode, said, calls } = await renew(root);
    expect([exitCode, said]).toEqual([1, expect.stringMatching(/kubeadm certs renew all: .*certificate/)]);
    // As it was rendered, and as the cluster has it.
    expect(deeds(calls)).toEqual(['kubeadm certs renew all', 'kubeadm certs renew all']);
  });

  test('there is no kubelet to start anything, it stops nothing', async () => {
    const { exitCode, calls } = await renew(await controlPlane(50), { NO_KUBELET: 'yes' });
    expect([exitCode, deeds(calls)]).toEqual([1, []]);
  });

  test('the host is no control plane yet, it says so', async () => {
    const root = await controlPlane(50, { 'etc/kubernetes/manifests/kube-apiserver.yaml': null });
    expect(await renew(root)).toMatchObject({ exitCode: 0, said: 'this is no control plane yet' });
  });
});

describe('how', { timeout: 300_000 }, () => {
  test('etcd on the control plane comes first', async () => {
    const root = await controlPlane(50, {
      'etc/kubernetes/manifests/etcd.yaml': 'a static pod\n',
      'containers/etcd': 'etcd-1\n',
    });
    expect(deeds((await renew(root)).calls)).toEqual([
      'kubeadm certs renew all',
      'crictl stop etcd-1',
      ...DEEDS.slice(1),
    ]);
  });

  test('kubeadm goes by what was rendered, under its own version', async () => {
    const root = await controlPlane(50);
    await renew(root);
    expect(readFileSync(join(root, 'config'), 'utf8')).toBe(
      'kind: InitConfiguration\nbootstrapTokens: []\n---\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.1\n',
    );
    const other = await controlPlane(50);
    const { exitCode, calls } = await renew(other, { OLD_FORM: 'yes' });
    expect([exitCode, deeds(calls)]).toEqual([0, ['kubeadm certs renew all', ...DEEDS]]);
    expectRenewed(other);
  });

  test('a component that does not come back stops it; the next call goes on', async () => {
    const root = await controlPlane(50);
    const { exitCode, said, calls } = await renew(root, { DEAD: 'kube-apiserver' });
    expect([exitCode, said]).toEqual([1, expect.stringContaining('kube-apiserver does not come back')]);
    expect(deeds(calls)).toEqual(DEEDS.slice(0, 2));
    writeFileSync(join(root, 'containers/kube-apiserver'), 'kube-apiserver-2\n');
    const next = await renew(root, { DAY: '002' });
    expect([next.exitCode, deeds(next.calls)[0]]).toEqual([0, 'crictl stop kube-apiserver-2']);
    expectRenewed(root);
  });

  test('root’s own copy of admin.conf follows; another kubeconfig is left alone', async () => {
    const root = await controlPlane(50, { 'root/.kube/config': kubeconfig(50) });
    await renew(root);
    const copy = join(root, 'root/.kube/config');
    expect(readFileSync(copy, 'utf8')).toBe(readFileSync(join(root, 'etc/kubernetes/admin.conf'), 'utf8'));
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const other = await controlPlane(50, { 'root/.kube/config': 'another cluster\n' });
    await renew(other);
    expect(readFileSync(join(other, 'root/.kube/config'), 'utf8')).toBe('another cluster\n');
  });
});

describe('a power cut', { timeout: 300_000 }, () => {
  test('at any moment: the next call goes on, whoever’s turn it is, and leaves nothing undone', async () => {
    const { calls } = await renew(await controlPlane(50));
    const moments = calls.flatMap((call, index) =>
      /^(kubeadm certs|sync|crictl stop .*kube-apiserver)/.test(call) ? [index + 1] : [],
    );
    expect(moments).toHaveLength(4);
    for (const moment of moments) {
      const root = await controlPlane(50);
      expect((await renew(root, { CUT: String(moment) })).exitCode).toBe(137);
      const next = await renew(root, { DAY: '002' });
      expect([calls[moment - 1], next.exitCode]).toEqual([calls[moment - 1], 0]);
      expectRenewed(root);
    }
  });

  test('in the middle of a file: what was there before is put back first', async () => {
    const root = await controlPlane(50);
    await renew(root, { CUT_KUBEADM: 'yes' });
    expect(readFileSync(join(root, 'etc/kubernetes/pki/apiserver.crt'), 'utf8')).toBe('');
    expect(remains(root)).toEqual(['certs-phase', 'certs-before']);
    expect(statSync(join(root, 'var/lib/imgbuild/certs-before')).mode & 0o777).toBe(0o700);
    expect((await renew(root)).exitCode).toBe(0);
    expectRenewed(root);
    rmSync(root, { recursive: true });
  });
});

test.each([
  [['--help'], 0],
  [['--soon'], 2],
])('%j: says what there is, and does nothing', async (args, code) => {
  const ran = await run('bash', [program, ...args]);
  expect(ran.exitCode).toBe(code);
  expect(ran.lines.join('\n')).toContain('renew-certs --now   at once, needed or not');
});
