/** What the steps say of kubeadm's failures: its sentences are those of cmd/kubeadm in 1.28 to 1.36. */
import { createHash, createPublicKey } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { issueCa, newKey } from '../../../src/secrets/pki.ts';
import { Host } from './host.ts';

let host: Host;
afterEach(() => host.remove());

/** A step of its own that runs kubeadm, which says this and fails. */
function make(kubeadm: string) {
  const step = `title=join patience=20 hint=''\n. "$libexec/firstboot/cluster.sh"
check() { [ -e "$root/joined" ]; }\nact() { run_kubeadm join --config "$composed"; }\n`;
  host = new Host(undefined, ['base', 'node']);
  host.only('80-join', step);
  host.write(
    'etc/imgbuild/firstboot.conf',
    "host='knode1'\nrole='worker'\nendpoint='api.prod:8443'\nreport_url=''\n",
  );
  host.write('run/imgbuild/kubeadm.yaml', 'token');
  host.write('var/lib/imgbuild/bootstrap-token', 'abcdef.0123456789abcdef\n');
  host.write('var/lib/imgbuild/discovery-hash', `sha256:${'0a'.repeat(32)}\n`);
  host.program('curl', 'exit 7');
  host.program('kubeadm', kubeadm);
  host.write('on-sleep', 'touch "$ROOT/joined"');
}

test.each([
  [
    'a token that is used up or expired',
    'error execution phase preflight: couldn\'t validate the identity of the API Server: token id "abcdef" is invalid for this cluster or it has expired. Use "kubeadm token create" on the control-plane node to create a new valid token',
    "the cluster does not know this host's token, abcdef: it is used up, expired, or was never made. See: imgbuild secrets token knode1 prints what to apply; is it not abcdef, ",
  ],
  [
    'a token that the cluster has not signed with',
    `error execution phase preflight: couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"`,
    "the cluster does not know this host's token, abcdef",
  ],
  [
    'a token with another secret',
    "error execution phase preflight: couldn't validate the identity of the API Server: failed to verify JWS signature of received cluster info object, can't trust this API Server",
    "the cluster has another token by the name of this host's, abcdef, so neither trusts the other",
  ],
  [
    "a stranger's API server",
    'error execution phase preflight: couldn\'t validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "sha256:11" are pinned',
    'what answers at api.prod:8443 is not this cluster',
  ],
  [
    'a name that is taken',
    'error execution phase kubelet-start: a Node with name "knode1" and status "Ready" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node',
    'a Ready node named knode1 is in the cluster already. See: kubectl delete node knode1',
  ],
  [
    'an endpoint that is gone',
    'error execution phase preflight: couldn\'t validate the identity of the API Server: Get "https://api.prod:8443/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s": dial tcp 127.0.0.1:8443: connect: connection refused',
    'api.prod:8443 does not answer, or no longer. See: curl -k https://api.prod:8443/readyz',
  ],
  [
    'a member of stacked etcd that is down',
    'error execution phase check-etcd: etcd cluster is not healthy: failed to dial endpoint https://192.0.2.13:2379 with maintenance client: context deadline exceeded',
    'etcd takes no new member while one does not answer: failed to dial endpoint https://192.0.2.13:2379 with maintenance client: context deadline exceeded. See: ',
  ],
  [
    'a wrong clock',
    'Get "https://api.prod:8443/api": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2020-01-01T00:00:00Z is before 2026-01-01T00:00:00Z',
    'a certificate is not valid at the time that this host believes in. See: date; chronyc tracking',
  ],
  [
    'a host that is not as it should be, first of all',
    '[preflight] Some fatal errors occurred:\n\t[ERROR Etcd]: connection refused\n\t[ERROR Swap]: on\nerror execution phase preflight: preflight checks failed',
    'kubeadm: [ERROR Etcd]: connection refused.',
  ],
  [
    'anything else',
    '[kubelet-start] Starting the kubelet\nerror execution phase kubelet-start: it does not start',
    'kubeadm: error execution phase kubelet-start: it does not start',
  ],
])('%s', async (_, text, wanted) => {
  make(
    `cat <<'END' >&2\n${text}\nTo see the stack trace of this error execute with --v=5 or higher\nEND\nexit 1`,
  );
  const { out } = await host.run('run');
  expect(out).toContain(`join: failed: ${wanted}`);
  expect(host.exists('run/imgbuild/kubeadm.yaml')).toBe(false);
});

describe('a token that is not known', () => {
  const unknown =
    'echo \'could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"\'; exit 1';
  /** What an API server gives out, as it prints it. */
  const info = (ca: string) =>
    `printf '%s' '{ "data": { "kubeconfig": "clusters:\\n- cluster:\\n    certificate-authority-data: ${ca}\\n    server" } }'`;
  const show = async (hashOf: (key: Buffer) => string, isCa = true) => {
    const key = newKey();
    const pem = await issueCa('kubernetes', key, { now: new Date(), years: 1 });
    make(unknown);
    host.program('curl', info(isCa ? Buffer.from(pem).toString('base64') : 'bm9uZQ=='));
    const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
    host.write('var/lib/imgbuild/discovery-hash', `sha256:${hashOf(der)}\n`);
    return (await host.run('run')).out;
  };
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

  test('to the cluster of this host', async () => {
    expect(await show(sha256)).toContain("join: failed: the cluster does not know this host's token");
  });

  test.each([true, false])('to a stranger: that is said instead (with a CA: %s)', async (isCa) => {
    const out = await show(() => '0a'.repeat(32), isCa);
    expect(out).toContain('join: failed: what answers at api.prod:8443 is not this cluster');
  });
});

test('a member of etcd that is down is none of its concern', async () => {
  make('echo "[join] $*"; exit 1');
  expect((await host.run('run')).out).toContain('--ignore-preflight-errors=ExternalEtcdVersion');
});

test('a token is never in the log', async () => {
  make('echo "[join] well"; echo "[join] error with abcdef.0123456789abcdef"; exit 1');
  const { out } = await host.run('run');
  expect(out).toContain('[join] well');
  expect(out).not.toContain('0123456789abcdef');
});

describe('a host that has joined before, and whose first boot goes on', () => {
  /** The cluster knows it from its second question on. */
  function joined() {
    host = new Host(undefined, ['base', 'node']);
    host.only('80-join', host.read('usr/libexec/imgbuild/firstboot/steps/80-join.sh'));
    host.write(
      'etc/imgbuild/firstboot.conf',
      "host='knode1'\nrole='worker'\nendpoint='api.prod:8443'\nreport_url=''\ncontrol_plane=''\n",
    );
    host.write('etc/kubernetes/kubelet.conf', 'a kubelet’s');
    host.write('etc/kubernetes/pki/ca.crt', 'a CA');
    host.program('curl', 'exit 0');
    host.program('systemctl', 'exit 0');
    host.program('kubectl', 'echo asked >>"$ROOT/asked"; [ "$(wc -l <"$ROOT/asked")" -gt 2 ]');
    host.program('kubeadm', 'echo "kubeadm $1" >>"$ROOT/kubeadm"; exit 1');
  }

  test('is never reset because the API was away for a while', async () => {
    joined();
    expect((await host.run('run')).out).toContain('join: done');
    expect(host.exists('kubeadm')).toBe(false);
  });

  test('is not reset where it has nothing to join with', async () => {
    joined();
    host.write('var/lib/imgbuild/firstboot/kubeadm-began', '');
    host.write('on-sleep', 'rm -f "$ROOT/var/lib/imgbuild/firstboot/kubeadm-began"');
    await host.run('run');
    expect(host.exists('kubeadm')).toBe(false);
  });

  test('is reset where its join was cut off', async () => {
    joined();
    host.write('etc/imgbuild/kubeadm/join.yaml', 'token: "@TOKEN@"\n');
    host.write('var/lib/imgbuild/bootstrap-token', 'abcdef.0123456789abcdef\n');
    host.write('var/lib/imgbuild/discovery-hash', `sha256:${'0a'.repeat(32)}\n`);
    host.write('var/lib/imgbuild/firstboot/kubeadm-began', '');
    host.write('on-sleep', 'rm -f "$ROOT/var/lib/imgbuild/firstboot/kubeadm-began"');
    await host.run('run');
    expect(host.read('kubeadm')).toContain('kubeadm reset');
  });
});

describe('the token that a host has joined with, on its node', () => {
  const MACHINE = '0a'.repeat(16);

  /** A step of its own that does this, and is done then. */
  async function does(act: string): Promise<void> {
    const step = `title=ready patience=20 hint=''\n. "$libexec/firstboot/cluster.sh"
check() { [ -e "$root/over" ]; }\nact() {\n${act}\ntouch "$root/over"; }\n`;
    host.only('88-ready', step);
    await host.run('run');
  }
  const annotation = () => host.read('annotation').trim();

  function node(token = 'abcdef') {
    host = new Host(undefined, ['base', 'node']);
    host.write(
      'etc/imgbuild/firstboot.conf',
      "host='knode1'\nrole='worker'\nendpoint='api.prod:8443'\nreport_url=''\ncontrol_plane=''\n",
    );
    host.write('etc/machine-id', `${MACHINE}\n`);
    host.write('var/lib/imgbuild/bootstrap-token', `${token}.0123456789abcdef\n`);
    host.program(
      'kubectl',
      `case "$*" in
*' annotate --field-manager imgbuild-firstboot '*) word=\${!#}; echo "\${word#*=}" >"$ROOT/annotation" ;;
*) cat "$ROOT/annotation" ;;
esac`,
    );
    host.program('kubeadm', 'exit 0');
  }

  test('is told with the installation that says so, and no secret', async () => {
    node();
    await does('! token_is_told && tell_token && token_is_told && touch "$root/well"');
    expect(annotation()).toMatch(new RegExp(`^abcdef ${MACHINE} \\d{4}-\\d\\d-\\d\\dT[\\d:]+Z$`));
    expect(host.exists('well')).toBe(true);
  });

  test('is not told by what an earlier self has left there', async () => {
    node();
    host.write('annotation', `abcdef ${'0b'.repeat(16)} 2020-01-01T00:00:00Z\n`);
    await does('token_is_told || touch "$root/well"');
    expect(host.exists('well')).toBe(true);
  });

  test('another token is told anew', async () => {
    node();
    await does(`tell_token; echo fedcba.0123456789abcdef >"$stage/bootstrap-token"
! token_is_told && tell_token && token_is_told && touch "$root/well"`);
    expect(annotation()).toMatch(/^fedcba /);
    expect(host.exists('well')).toBe(true);
  });

  test('is told anew after what was left of a join is taken away', async () => {
    node();
    await does(`tell_token; reset_half_done; token_is_told || touch "$root/well"`);
    expect(host.exists('well')).toBe(true);
  });
});
