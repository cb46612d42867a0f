import { styleText } from 'node:util';

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

/** Colour only on a terminal, and never with NO_COLOR (https://no-color.org) or on a dumb one. */
export function painter(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const on = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
  return (style, text) => (on ? styleText(style, text, { validateStream: false }) : text);
}
