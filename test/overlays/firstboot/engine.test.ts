import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { reportKey } from '../../../src/secrets/reports.ts';
import { Host } from './host.ts';

let host: Host;
afterEach(() => host.remove());

/** A step that is done when its file is there. */
const step = (name: string, act = `touch "$root/${name}"`) =>
  `title='the ${name}'\npatience=20\nhint='look at ${name}'\ncheck() { [ -e "$root/${name}" ]; }\nact() { ${act}; }\n`;
const lines = (text: string) => text.split('\n');

describe('run', () => {
  test('does what is not done, in order, and leaves its stamp', async () => {
    host = new Host({ '20-second': step('second'), '10-first': step('first') });
    host.write('second', '');
    const { code, out } = await host.run('run');
    expect(lines(out)).toEqual([
      'first: begins: the first',
      expect.stringMatching(/^first: done \(\d s\)$/),
      expect.stringMatching(/^second: done \(\d s\)$/),
      'this host is ready',
    ]);
    expect(code).toBe(0);
    expect(host.read('var/lib/imgbuild/firstboot/done')).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect((await host.run('run')).out).toBe('this host is ready');
  });

  test('tries again after a failure, at longer and longer intervals, and says why', async () => {
    const flaky = `n=$(cat "$root/n" 2>/dev/null || echo 0); echo $((n + 1)) >"$root/n"
      [ "$n" -ge 8 ] || fail "no luck $n" 'the remedy'; touch "$root/flaky"`;
    host = new Host({ '10-flaky': step('flaky', flaky) });
    const { code, out } = await host.run('run');
    expect(code).toBe(0);
    expect(out).toContain('flaky: failed: no luck 0. See: the remedy.\n');
    expect(out).toMatch(/flaky: tries again in \d+ s \(at once: systemctl restart imgbuild-firstboot\)/);
    const pauses = lines(host.read('log'))
      .filter(Boolean)
      .map((line) => Number(line.split(' ')[1]));
    expect(pauses).toHaveLength(8);
    [5, 10, 20, 40, 80, 160, 300, 300].forEach((middle, n) => {
      expect(pauses[n]).toBeGreaterThanOrEqual(Math.max(1, Math.floor(middle / 2)));
      expect(pauses[n]).toBeLessThanOrEqual(middle * 1.5);
    });
  });

  test('an act that says it is done is not believed', async () => {
    host = new Host({ '10-liar': step('liar', 'n=$((n + 1))') });
    host.write('on-sleep', 'touch "$ROOT/liar"');
    const { out } = await host.run('run');
    expect(out).toContain(
      'liar: failed: all was done, and yet it is not as it should be. See: look at liar.\n',
    );
  });

  test('an act that never ends is killed, with what it started', async () => {
    const stuck = step('stuck', '/bin/sleep 60 & echo $! >"$root/child"; wait').replace(
      'patience=20',
      'patience=1',
    );
    host = new Host({ '10-stuck': stuck });
    host.write('on-sleep', 'touch "$ROOT/stuck"');
    const { out } = await host.run('run');
    expect(out).toContain('stuck: failed: it took longer than 1 s. See: look at stuck.\n');
    const child = `/proc/${host.read('child').trim()}/stat`;
    // It may be dead and not yet buried.
    await expect.poll(() => (existsSync(child) ? readFileSync(child, 'utf8') : ') Z')).toMatch(/\) Z/);
  });

  test('what it waits for is told once, and each minute', async () => {
    const patient = `n=0; there() { n=$((n + 1)); [ "$n" -gt 4 ]; }
      waits_minute=x; await 100 'the others' there; touch "$root/patient"`;
    host = new Host({ '10-patient': step('patient', patient) });
    const { out } = await host.run('run');
    expect(lines(out).filter((line) => line.includes('waits for the others'))).toEqual([
      'patient: waits for the others',
    ]);
  });

  test('two at once are refused', async () => {
    host = new Host({
      '10-long': step('long', 'bash "$self" --root "$root" run >"$root/second" 2>&1; touch "$root/long"'),
    });
    await host.run('run');
    expect(host.read('second')).toMatch(/another imgbuild-firstboot runs already/);
  });

  test('nor beside what one that was killed has left', async () => {
    // The step kills the engine, which is timeout's parent, and asks for a second one while it is itself still at work.
    const orphan = `engine=$(ps -o ppid= -p "$PPID"); kill -9 $engine
      bash "$self" --root "$root" run >"$root/second" 2>&1; touch "$root/orphan" "$root/asked"`;
    host = new Host({ '10-orphan': step('orphan', orphan) });
    await host.run('run');
    await expect.poll(() => host.exists('asked'), { timeout: 10_000 }).toBe(true);
    expect(host.read('second')).toMatch(/another imgbuild-firstboot runs already/);
    expect((await host.run('run')).out).toContain('this host is ready');
  });

  test('a step that an operator skips', async () => {
    host = new Host({ '10-hard': step('hard', 'fail never'), '20-easy': step('easy') });
    expect((await host.run('skip', 'hard')).out).toContain('10-hard counts as done from its next try on');
    const { code, out } = await host.run('run');
    expect(code).toBe(0);
    expect(out).toContain('hard: skipped, as somebody said');
    expect(await host.run('skip', 'nothing')).toMatchObject({
      code: 2,
      err: expect.stringContaining('10-hard 20-easy'),
    });
  });

  test('a host that imgbuild did not install', async () => {
    host = new Host({ '10-first': step('first') });
    rmSync(`${host.root}/etc/imgbuild/firstboot.conf`);
    const { code, err } = await host.run('run');
    expect(err).toMatch(/this host was not installed by imgbuild/);
    expect(code).toBe(3);
  });
});

describe('status', () => {
  test('before, during and after', async () => {
    host = new Host({
      '10-first': step('first'),
      '20-second': step(
        'second',
        `
      bash "$self" --root "$root" status >"$root/during"; bash "$self" --root "$root" status --json >"$root/during.json"
      waiting 'the others'; bash "$self" --root "$root" status >"$root/waiting"
      touch "$root/second"`,
      ),
    });
    const before = await host.run('status');
    expect(before.code).toBe(1);
    expect(lines(before.out)).toEqual([
      'knode1 (worker) is not done, and imgbuild-firstboot.service does not run.',
      '  systemctl start imgbuild-firstboot; journalctl -u imgbuild-firstboot',
      '  -       first          the first',
      '  -       second         the second',
    ]);
    await host.run('run');
    expect(lines(host.read('during')).slice(0, 3)).toEqual([
      'knode1 (worker) is on its way.',
      expect.stringMatching(/^ {2}done {4}first {10}the first \(\d+ s\)$/),
      '  running second         the second, try 1',
    ]);
    expect(host.read('waiting')).toMatch(/ {4}waits for the others, for \d+ s\n/);
    expect(JSON.parse(host.read('during.json'))).toEqual({
      version: 1,
      host: 'knode1',
      role: 'worker',
      done: null,
      steps: [
        { step: 'first', state: 'done', tries: 1, seconds: expect.any(Number), detail: null },
        { step: 'second', state: 'running', tries: 1, seconds: expect.any(Number), detail: null },
      ],
    });
    const after = await host.run('status');
    expect(after.code).toBe(0);
    expect(lines(after.out)[0]).toMatch(/^knode1 is ready since \d{4}-/);
  });

  test('a failure names step, reason and the next thing to try', async () => {
    host = new Host({ '10-first': step('first', `fail 'the disk is full'`) });
    host.write(
      'on-sleep',
      'bash "$ROOT/usr/sbin/imgbuild-firstboot" --root "$ROOT" status >"$ROOT/failed"; touch "$ROOT/first"',
    );
    await host.run('run');
    expect(lines(host.read('failed')).slice(1, 3)).toEqual([
      expect.stringMatching(/^ {2}FAILED {2}first {10}the first, try 1, \d+ s ago$/),
      '                         the disk is full; see: look at first',
    ]);
  });

  test('and still does while the next try runs', async () => {
    host = new Host({
      '10-first': step(
        'first',
        `[ -e "$root/tried" ] || { touch "$root/tried"; fail 'the disk is full'; }
      bash "$self" --root "$root" status >"$root/again"; touch "$root/first"`,
      ),
    });
    await host.run('run');
    expect(lines(host.read('again')).slice(1, 3)).toEqual([
      '  running first          the first, try 2',
      '                         the try before: the disk is full; see: look at first',
    ]);
  });
});

describe('events', () => {
  const key = 'ab'.repeat(32);
  const make = (curl: string) => {
    host = new Host({ '10-first': step('first') });
    host.write(
      'etc/imgbuild/firstboot.conf',
      `host='knode1'\nrole='worker'\nreport_url='http://server:8080/'\n`,
    );
    host.write('var/lib/imgbuild/report-key', `${key}\n`);
    host.program('curl', curl);
  };

  test('are signed with the key of the host, which no process list shows', async () => {
    make('body=$(cat); printf "%s\\n%s\\n" "$*" "$body" >"$ROOT/event-$RANDOM$RANDOM"');
    await host.run('run');
    await execa('bash', [
      '-c',
      `for n in 1 2 3 4 5 6 7 8 9 10; do [ $(ls ${host.root} | grep -c event-) -ge 4 ] || /bin/sleep 0.2; done`,
    ]);
    const { stdout } = await execa('bash', ['-c', `cat ${host.root}/event-*`]);
    const all = lines(stdout);
    const bodies = all.filter((line) => line.startsWith('{'));
    expect(bodies.map((body) => JSON.parse(body)).sort((a, b) => a.sequence - b.sequence)).toMatchObject([
      { host: 'knode1', step: '', state: 'running' },
      { step: 'first', state: 'running', detail: 'the first' },
      { step: 'first', state: 'done' },
      { step: '', state: 'done', detail: 'this host is ready' },
    ]);
    expect(stdout).not.toContain(key);
    for (const [index, line] of all.entries()) {
      const body = all[index + 1];
      if (line.startsWith('{') || !body) continue;
      const signature = createHmac('sha256', Buffer.from(key, 'hex')).update(body).digest('hex');
      expect(line).toContain(`X-Imgbuild-Signature: sha256=${signature}`);
      expect(line).toContain('http://server:8080/events');
    }
  });

  test('the signature is node’s, whatever key and text', async () => {
    make('');
    const libexec = 'usr/libexec/imgbuild/firstboot/events.sh';
    // Keys of which a byte, xored with a pad, is NUL, %, a backslash or a line break, and one that is all of them.
    const keys = ['36', '5c', '13', '6a', '3c', '56', '00', 'ff'].map((byte) => byte.repeat(32));
    keys.push([...Array(32).keys()].map((n) => (n * 37 + 5).toString(16).padStart(4, '0').slice(2)).join(''));
    const texts = ['', '%s\\n\\x41 %', '{"detail":"größer als – 大"}', 'x'.repeat(5000)];
    for (const key of keys)
      for (const text of texts) {
        const script = `. "$0"; read -r key; hmac_sha256 "$key" "$TEXT"; echo "$REPLY"`;
        const { stdout } = await execa('bash', ['-euc', script, `${host.root}/${libexec}`], {
          input: `${key}\n`,
          env: { TEXT: text },
        });
        expect(stdout).toBe(createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex'));
      }
  });

  test('a server that knows the master alone believes each host’s own and no other', async () => {
    const master = '0123456789abcdef'.repeat(4);
    make(
      'cat >"$ROOT/body-$$"; printf "%s\\n" "$@" | sed -n "s/^X-Imgbuild-Signature: //p" >"$ROOT/signature-$$"',
    );
    host.write('var/lib/imgbuild/report-key', `${reportKey(master, 'knode1')}\n`);
    await host.run('run');
    const sent = () => readdirSync(host.root).filter((name) => name.startsWith('signature-'));
    await expect.poll(() => sent().length, { timeout: 5000 }).toBe(4);
    const doc = readFileSync('docs/first-boot.md', 'utf8');
    const program = /^```python\n([\s\S]*?)^```$/m.exec(doc)?.[1] ?? '';
    const ask = `import sys
body, signature = (open(name, 'rb').read() for name in sys.argv[1:3])
signature = signature.decode().strip()
master = '${master}\\n'
print(is_genuine(master, 'knode1', body, signature), is_genuine(master, 'knode2', body, signature),
      is_genuine(master, 'knode1', body.replace(b'knode1', b'knode2'), signature), is_genuine('0' * 64, 'knode1', body, signature))`;
    for (const name of sent()) {
      const files = [name.replace('signature', 'body'), name].map((file) => `${host.root}/${file}`);
      const { stdout } = await execa('python3', ['-c', `${program}\n${ask}`, ...files]);
      expect(stdout).toBe('True False False False');
    }
  });

  test.each(['', 'ab'.repeat(31), 'zz'.repeat(32)])(
    'with %j for a key nothing is told, and all goes on',
    async (key) => {
      make('echo "$*" >>"$ROOT/called"');
      host.write('var/lib/imgbuild/report-key', `${key}\n`);
      const { code, out, err } = await host.run('run');
      expect([code, err, lines(out).at(-1)]).toEqual([0, '', 'this host is ready']);
      expect(host.exists('called')).toBe(false);
    },
  );

  test('a server that cannot be reached changes nothing', async () => {
    make('exit 7');
    const { code, out } = await host.run('run');
    expect(code).toBe(0);
    expect(lines(out).at(-1)).toBe('this host is ready');
  });
});

test('the cleanup takes every secret that is used up, and leaves the key for reports', async () => {
  host = new Host();
  const own = readFileSync('overlays/base/usr/libexec/imgbuild/firstboot/steps/90-cleanup.sh', 'utf8');
  host.only('90-cleanup', own);
  const stage = 'var/lib/imgbuild';
  const used = ['pki/ca.key', 'bootstrap-token', 'bootstrap-tokens', 'discovery-hash', 'console-password'];
  for (const name of [...used, 'report-key']) host.write(`${stage}/${name}`, 'secret');
  host.write('root/anaconda-ks.cfg', 'secret');
  expect((await host.run('run')).code).toBe(0);
  const left = [...used.map((name) => `${stage}/${name}`), 'root/anaconda-ks.cfg'].filter((name) =>
    host.exists(name),
  );
  expect(left).toEqual([]);
  expect(host.read(`${stage}/report-key`)).toBe('secret');
});
