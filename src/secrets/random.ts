import { randomBytes } from 'node:crypto';

/** Where random bytes come from; tests pass their own. Keys are always made by OpenSSL's generator. */
export type Random = (size: number) => Uint8Array;

export const systemRandom: Random = (size) => randomBytes(size);

/** Random characters, each equally likely: bytes beyond the last whole multiple of the alphabet are drawn again. */
export function pick(alphabet: string, length: number, random: Random): string {
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length)) {
      if (byte < limit) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}
