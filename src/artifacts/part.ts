import { closeSync, fsyncSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { ExitCode, reasonOf, UserError } from '../report/errors.ts';

/** Where a part came from, kept beside it for a later run. */
interface Origin {
  url: string;
  /** An ETag or a date by which the server knows that it is still the same file. */
  validator?: string;
}

/** A file of which the first bytes are there. */
export class Part {
  readonly file: string;
  private handle: number | undefined;
  private known: Origin | undefined;
  private length: number;

  private constructor(file: string, length: number, origin: Origin | undefined) {
    this.file = file;
    this.length = length;
    this.known = origin;
  }

  /** What an earlier try left there, if any. */
  static async at(file: string): Promise<Part> {
    const length = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const origin = await readFile(`${file}.json`, 'utf8').then(
      (text) => JSON.parse(text) as Origin,
      () => undefined,
    );
    return new Part(file, length, origin);
  }

  get size(): number {
    return this.length;
  }

  get origin(): Origin | undefined {
    return this.known;
  }

  /** Begins anew, with what is known of where it comes from. */
  begin(origin: Origin): void {
    this.clear();
    this.known = origin;
    writeFileSync(`${this.file}.json`, JSON.stringify(origin));
  }

  /** At once: what waits in memory is lost where the connection is cut. */
  append(bytes: Uint8Array): void {
    try {
      this.handle ??= openSync(this.file, 'a', 0o644);
      for (let at = 0; at < bytes.length; ) at += writeSync(this.handle, bytes, at);
    } catch (error) {
      throw new UserError(
        `cannot write ${this.file}: ${reasonOf(error)}`,
        'make room or correct the permissions, or name another folder with --cache',
        ExitCode.program,
        error,
      );
    }
    this.length += bytes.length;
  }

  close(): void {
    if (this.handle === undefined) return;
    fsyncSync(this.handle);
    closeSync(this.handle);
    this.handle = undefined;
  }

  /** As if nothing had been fetched. */
  clear(): void {
    this.close();
    rmSync(this.file, { force: true });
    rmSync(`${this.file}.json`, { force: true });
    this.length = 0;
    this.known = undefined;
  }

  /** It is whole: it goes where it belongs, in one step. */
  async keep(target: string): Promise<void> {
    this.close();
    await rename(this.file, target);
    this.clear();
  }
}
