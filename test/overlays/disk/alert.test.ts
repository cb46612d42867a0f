import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { scratch } from '../../rigs/scratch.ts';

const top = join(import.meta.dirname, '../../..');
const open: (Server | TcpServer)[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve));
});
const listen = async (server: Server | TcpServer): Promise<number> => {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
};

interface Alert {
  conf?: string;
  files?: Record<string, string>;
  links?: Record<string, string>;
  /** Instead of the machine's own. */
  path?: string;
}

/** Runs disk-alert as mdadm does, and returns what the journal got. */
async function alert(args: string[], { conf, files = {}, links = {}, path }: Alert = {}): Promise<string[]> {
  const root = await scratch();
  cpSync(join(top, 'overlays/base/usr'), join(root, 'usr'), { recursive: true });
  const put = (name: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text, { mode });
  };
  for (const [name, text] of Object.entries({
    'dev/md125': '',
    'proc/mdstat': 'Personalities : [raid1]\n',
    ...files,
  }))
    put(name, text);
  mkdirSync(join(root, 'dev/md'), { recursive: true });
  for (const [name, target] of Object.entries({ 'dev/md/root': '../md125', ...links }))
    symlinkSync(target, join(root, name));
  if (conf !== undefined) put('etc/imgbuild/alerts.conf', conf);
  put('journal', '');
  put('bin/logger', `#!/bin/sh\nprintf '%s\\n' "$*" >>'${root}/journal'\n`, 0o755);
  put('bin/sleep', '#!/bin/sh\n', 0o755);
  const result = await execa(
    'bash',
    [join(root, 'usr/libexec/imgbuild/disk-alert'), '--root', root, ...args],
    {
      reject: false,
      stdin: 'ignore',
      env: { PATH: `${root}/bin:${path ?? process.env.PATH}`, http_proxy: '', https_proxy: '' },
    },
  );
  // mdadm must never be told anything else, nor anybody's terminal.
  expect({ code: result.exitCode, out: result.stdout, err: result.stderr }).toEqual({
    code: 0,
    out: '',
    err: '',
  });
  return readFileSync(join(root, 'journal'), 'utf8').split('\n').filter(Boolean);
}

const HOST = hostname();
const line = (priority: string, event: string, text: string) =>
  `-t imgbuild-disk -p daemon.${priority} -- ${event} on /dev/md125: ${HOST}: ${text}`;
const CHECKS = {
  'sys/block/md125/md/sync_action': 'idle\n',
  'sys/block/md125/md/last_sync_action': 'check\n',
};

describe('the journal', () => {
  test.each([
    [
      'Fail',
      '/dev/sdb3',
      'crit',
      'member /dev/sdb3 of array root has failed. What to do: imgbuild-disk status',
    ],
    [
      'FailSpare',
      '/dev/sdc3',
      'crit',
      'a spare, /dev/sdc3, of array root has failed. What to do: imgbuild-disk status',
    ],
    [
      'DegradedArray',
      '',
      'crit',
      'array root is degraded: it runs without one of its members. What to do: imgbuild-disk status',
    ],
    ['DeviceDisappeared', '', 'crit', 'array root has disappeared. What to do: imgbuild-disk status'],
    ['SparesMissing', '', 'warning', 'array root lacks a spare. What to do: imgbuild-disk status'],
    [
      'MismatchesFound',
      '128 sectors differ',
      'warning',
      'the copies in array root differ: 128 sectors differ',
    ],
    ['SpareActive', '/dev/sdc3', 'info', 'member /dev/sdc3 of array root is in sync and in use'],
    ['NewArray', '', 'info', 'array root runs'],
    ['RebuildStarted', '', 'info', 'array root is being rebuilt'],
    ['RebuildFinished', '', 'info', 'the rebuild of array root has ended'],
    ['TestMessage', '', 'info', 'a test: nothing is wrong with array root'],
    ['Whatever', '', 'warning', 'Whatever: array root. What to do: imgbuild-disk status'],
  ])('%s', async (event, component, priority, text) => {
    expect(await alert([event, '/dev/md125', ...(component ? [component] : [])])).toEqual([
      line(priority, event, text),
    ]);
  });

  test('has nothing of the tens of percent of a rebuild', async () => {
    for (const event of ['Rebuild20', 'Rebuild80']) expect(await alert([event, '/dev/md125'])).toEqual([]);
  });

  test('a check is not called a rebuild', async () => {
    // A short one is over before anybody looks.
    for (const sync_action of ['check\n', 'idle\n']) {
      const files = { ...CHECKS, 'sys/block/md125/md/sync_action': sync_action };
      expect(await alert(['RebuildStarted', '/dev/md125'], { files })).toEqual([
        line('info', 'RebuildStarted', 'array root is being checked'),
      ]);
    }
    // The rebuild after a check.
    const files = { ...CHECKS, 'sys/block/md125/md/sync_action': 'recover\n' };
    expect(await alert(['RebuildStarted', '/dev/md125'], { files })).toEqual([
      line('info', 'RebuildStarted', 'array root is being rebuilt'),
    ]);
    const counted = ' mismatches found: 128 (on raid level 1)';
    expect(await alert(['RebuildFinished', '/dev/md125', counted], { files: CHECKS })).toEqual([
      line('info', 'RebuildFinished', `the check of array root has ended,${counted}`),
    ]);
  });

  test('an array without a name, and one that mdadm names by its link', async () => {
    const [said] = await alert(['NewArray', '/dev/md7'], { files: { 'dev/md7': '' } });
    expect(said).toContain('array md7 runs');
    expect((await alert(['Fail', '/dev/md/root', '/dev/sda3']))[0]).toContain('of array root has failed');
  });

  test('has one line, whatever the names hold', async () => {
    const said = await alert(['Fail', '/dev/md125', 'sda\nEvil: \u001b[31mline']);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('member sda Evil:  [31mline of array root');
  });
});

describe('the webhook', () => {
  interface Post {
    method: string | undefined;
    url: string | undefined;
    type: string | undefined;
    body: string;
  }
  const listener = async (answer: (count: number) => number = () => 200) => {
    const posts: Post[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        posts.push({ method: request.method, url: request.url, type: request.headers['content-type'], body });
        response.writeHead(answer(posts.length)).end('thanks');
      });
    });
    return { posts, port: await listen(server) };
  };

  test('gets the alert', async () => {
    const { posts, port } = await listener();
    await alert(['Fail', '/dev/md125', '/dev/sdb3'], {
      conf: `# by hand\nwebhook=http://127.0.0.1:${port}/hook?token="a'b\n`,
    });
    expect(posts).toHaveLength(1);
    expect(posts[0]).toMatchObject({ method: 'POST', url: `/hook?token=%22a'b`, type: 'application/json' });
    const said = JSON.parse(posts[0]?.body ?? '');
    expect(said).toEqual({
      host: HOST,
      event: 'Fail',
      array: 'root',
      component: '/dev/sdb3',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      text: `${HOST}: member /dev/sdb3 of array root has failed. What to do: imgbuild-disk status`,
    });
  });

  test('gets JSON, whatever the names hold', async () => {
    const { posts, port } = await listener();
    const odd = 'a"b\\c\td\u0001\u007f\u00e9\n/';
    await alert(['Fail', '/dev/md125', odd], { conf: `webhook=http://127.0.0.1:${port}/\n` });
    expect(JSON.parse(posts[0]?.body ?? '').component).toBe(odd);
  });

  test('is tried three times', async () => {
    const { posts, port } = await listener((count) => (count < 3 ? 503 : 204));
    expect(
      await alert(['TestMessage', '/dev/md125'], { conf: `webhook=http://127.0.0.1:${port}/\n` }),
    ).toHaveLength(1);
    expect(posts).toHaveLength(3);
    const broken = await listener(() => 500);
    const said = await alert(['TestMessage', '/dev/md125'], {
      conf: `webhook=http://127.0.0.1:${broken.port}/secret\n`,
    });
    expect(broken.posts).toHaveLength(3);
    expect(said[1]).toContain(
      '-p daemon.warning -- the webhook was not told of TestMessage on /dev/md125: three tries failed',
    );
    expect(said.join()).not.toContain('secret');
  });

  test('is left alone by what is for the journal alone', async () => {
    const { posts, port } = await listener();
    const conf = `webhook=http://127.0.0.1:${port}/\n`;
    await alert(['NewArray', '/dev/md125'], { conf });
    await alert(['Rebuild40', '/dev/md125'], { conf });
    await alert(['SpareActive', '/dev/md125', '/dev/sda3'], { conf });
    await alert(['RebuildStarted', '/dev/md125'], { conf });
    await alert(['RebuildFinished', '/dev/md125'], { conf, files: CHECKS });
    expect(posts).toEqual([]);
    await alert(['RebuildFinished', '/dev/md125'], { conf });
    expect(posts).toHaveLength(1);
  });

  test('a host without curl says so', async () => {
    const bin = await scratch();
    for (const name of ['bash', 'readlink', 'uname', 'date', 'basename', 'sed', 'head'])
      symlinkSync((await execa('sh', ['-c', `command -v ${name}`])).stdout, join(bin, name));
    const said = await alert(['Fail', '/dev/md125', 'sda3'], {
      conf: 'webhook=http://127.0.0.1:1/\n',
      path: bin,
    });
    expect(said[1]).toContain('the webhook was not told: there is no curl');
  });

  test('its address is not in the list of processes', async () => {
    const root = await scratch();
    writeFileSync(join(root, 'curl'), `#!/bin/sh\ncat >/dev/null\nprintf '%s\\n' "$*" >>${root}/seen\n`, {
      mode: 0o755,
    });
    await alert(['Fail', '/dev/md125', 'sda3'], {
      conf: 'webhook=http://127.0.0.1:1/secret\n',
      path: `${root}:${process.env.PATH}`,
    });
    expect(readFileSync(join(root, 'seen'), 'utf8')).toContain('--max-time 10');
    expect(readFileSync(join(root, 'seen'), 'utf8')).not.toContain('secret');
  });
});

describe('mail', () => {
  /** A relay that speaks just enough SMTP; it refuses the recipients that are named. */
  async function relay({
    refuses = [],
    silent = false,
    broken = false,
  }: {
    refuses?: string[];
    silent?: boolean;
    broken?: boolean;
  } = {}) {
    const mails: { from: string; to: string[]; lines: string[] }[] = [];
    const orders: string[] = [];
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => {
      sockets.push(socket);
      let mail: { from: string; to: string[]; lines: string[] } = { from: '', to: [], lines: [] };
      let inData = false;
      let rest = '';
      const say = (text: string) => socket.write(`${text}\r\n`);
      if (!silent) say('220-hello\r\n220 relay');
      socket.setEncoding('utf8').on('error', () => {});
      socket.on('data', (text: string) => {
        rest += text;
        for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
          const order = rest.slice(0, end);
          rest = rest.slice(end + 2);
          if (inData) {
            if (order !== '.') mail.lines.push(order);
            else {
              inData = false;
              mails.push(mail);
              mail = { from: '', to: [], lines: [] };
              say('250 taken');
            }
            continue;
          }
          orders.push(order);
          const address = /<(.*)>/.exec(order)?.[1] ?? '';
          if (order.startsWith('EHLO')) say('250-relay\r\n250-SIZE 1000\r\n250 OK');
          else if (broken) say('451 later');
          else if (order.startsWith('MAIL')) {
            mail.from = address;
            say('250 OK');
          } else if (order.startsWith('RCPT')) {
            if (refuses.includes(address)) say('550 no such user');
            else {
              mail.to.push(address);
              say('250 OK');
            }
          } else if (order === 'DATA') {
            inData = true;
            say('354 go on');
          } else if (order === 'QUIT') {
            say('221 bye');
            socket.end();
          } else say('500 what?');
        }
      });
    });
    const port = await listen(server);
    open.push({
      close: (done: () => void) => {
        for (const socket of sockets) socket.destroy();
        done();
      },
    } as unknown as TcpServer);
    const conf = `mail_to=ops@example.com,oncall@example.com\nmail_from=disks@example.com\nmail_relay=smtp://127.0.0.1:${port}\n`;
    return { mails, orders, conf };
  }

  test('is handed to the relay', async () => {
    const { mails, orders, conf } = await relay();
    const mdstat = { 'proc/mdstat': '.\n..dots\nmd125 : active raid1 sda3[0]\n' };
    expect(await alert(['Fail', '/dev/md125', '/dev/sdb3'], { conf, files: mdstat })).toHaveLength(1);
    expect(mails).toHaveLength(1);
    const [mail] = mails;
    expect(mail).toMatchObject({ from: 'disks@example.com', to: ['ops@example.com', 'oncall@example.com'] });
    expect(mail?.lines).toEqual([
      'From: disks@example.com',
      'To: ops@example.com, oncall@example.com',
      `Subject: ${HOST}: Fail on array root`,
      expect.stringMatching(/^Date: \w{3}, \d{2} \w{3} \d{4} /),
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=UTF-8',
      '',
      `${HOST}: member /dev/sdb3 of array root has failed. What to do: imgbuild-disk status`,
      '',
      // A dot at the beginning of a line is doubled on the way.
      '..',
      '...dots',
      'md125 : active raid1 sda3[0]',
    ]);
    expect(orders.at(-1)).toBe('QUIT');
  });

  test('goes to the others where one is refused, and the journal says so', async () => {
    const { mails, conf } = await relay({ refuses: ['ops@example.com'] });
    const said = await alert(['Fail', '/dev/md125', 'sda3'], { conf });
    expect(mails.map(({ to }) => to)).toEqual([['oncall@example.com']]);
    expect(said[1]).toContain('-p daemon.warning -- no mail was sent of Fail on /dev/md125: the relay');
  });

  test('a relay that takes nothing, and none at all', async () => {
    for (const conf of [
      (await relay({ broken: true })).conf,
      (await relay({ refuses: ['ops@example.com', 'oncall@example.com'] })).conf,
      'mail_to=a@b\nmail_from=c@d\nmail_relay=smtp://127.0.0.1:1\n',
    ]) {
      expect((await alert(['Fail', '/dev/md125', 'sda3'], { conf }))[1]).toContain(
        'no mail was sent of Fail',
      );
    }
  });

  test('a relay that never answers is given up', async () => {
    const { conf } = await relay({ silent: true });
    const bin = await scratch();
    // The limit, a thousand times shorter.
    const timeout = (await execa('sh', ['-c', 'command -v timeout'])).stdout;
    writeFileSync(join(bin, 'timeout'), `#!/bin/sh\nlimit=$1\nshift\nexec ${timeout} "0.0$limit" "$@"\n`, {
      mode: 0o755,
    });
    const said = await alert(['Fail', '/dev/md125', 'sda3'], { conf, path: `${bin}:${process.env.PATH}` });
    expect(said[1]).toContain('no mail was sent of Fail');
  });

  test('by smtps, with a curl that knows it', async () => {
    const bin = await scratch();
    writeFileSync(join(bin, 'curl'), `#!/bin/sh\nprintf '%s\\n' "$*" >${bin}/args\ncat >${bin}/mail\n`, {
      mode: 0o755,
    });
    const conf = 'mail_to=a@b.c,d@e.f\nmail_from=g@h.i\nmail_relay=smtps://mail.example.com:465\n';
    expect(
      await alert(['TestMessage', '/dev/md125'], { conf, path: `${bin}:${process.env.PATH}` }),
    ).toHaveLength(1);
    expect(readFileSync(join(bin, 'args'), 'utf8')).toBe(
      '-sS --max-time 30 --url smtps://mail.example.com:465 --mail-from g@h.i --mail-rcpt a@b.c --mail-rcpt d@e.f --upload-file -\n',
    );
    expect(readFileSync(join(bin, 'mail'), 'utf8')).toMatch(/^From: g@h\.i\r\nTo: a@b\.c, d@e\.f\r\n/);
  });
});
