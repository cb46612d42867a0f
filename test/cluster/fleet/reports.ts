/** The server that hosts report to. */
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';

export interface Report {
  host: string;
  step: string;
  state: string;
  detail: string;
  sequence: number;
}

/** A server that keeps the reports whose signature is right, and counts the others. `keyOf` gives a host's key, in hex. */
export class Reports {
  readonly received: Report[] = [];
  refused = 0;
  readonly server: Server;

  constructor(keyOf: (host: string) => string) {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const report = JSON.parse(body.toString('utf8')) as Report;
        const key = Buffer.from(keyOf(report.host), 'hex');
        const wanted = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
        const isRight = request.headers['x-imgbuild-signature'] === wanted;
        if (isRight) this.received.push(report);
        else this.refused += 1;
        response.writeHead(isRight ? 204 : 401).end();
      });
    });
  }

  /** Steps of a host that it reported as done, in the order of its own numbers: they may overtake each other. */
  done(host: string): string[] {
    return this.received
      .filter((report) => report.host === host && report.state === 'done')
      .sort((a, b) => a.sequence - b.sequence)
      .map(({ step }) => step);
  }
}
