/** Servers of the test's process, within a lab. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { join, normalize } from 'node:path';
import type { Space } from './space.ts';

/**
 * This process has its sockets in another network namespace: the server listens at a socket in the file system,
 * and socat in the lab, with which it ends, leads there. How to stop the server.
 */
export async function serve(space: Space, socket: string, port: number, server: Server): Promise<() => void> {
  server.listen(socket);
  await once(server, 'listening');
  const [program = '', ...args] = space.within([
    ...['socat', '-d', '-d', '-b', '65536'],
    ...[`TCP-LISTEN:${port},fork,reuseaddr,backlog=128`, `UNIX-CONNECT:${socket}`],
  ]);
  const socat = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    socat.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4096);
      if (text.includes(' listening on ')) resolve();
    });
    socat.on('close', () => reject(new Error(`port ${port} cannot be served:\n${log}`)));
  });
  return () => {
    if ('closeAllConnections' in server) (server as HttpServer).closeAllConnections();
    server.close();
  };
}

/** Serves the files below a directory. */
export function fileServer(directory: string): HttpServer {
  return createServer((request, response) => {
    const path = join(
      directory,
      normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://lab').pathname)),
    );
    if (!existsSync(path) || !statSync(path).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': statSync(path).size });
    if (request.method === 'HEAD') response.end();
    else createReadStream(path).pipe(response);
  });
}
