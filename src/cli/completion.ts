export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command with what can follow it. */
export interface Candidates {
  name: string;
  about: string;
  options: { name: string; about: string; takesValue: boolean }[];
  /** Words that its argument can be. */
  choices: readonly string[];
  commands: Candidates[];
}

/** A completion script; it knows all commands and options and asks imgbuild for nothing. */
export function completionScript(shell: Shell, root: Candidates): string {
  return { bash, zsh, fish }[shell](root);
}

const HELP = { name: '--help', about: 'show help' };

/** Every option that is followed by a value, which is no command. */
function withValue(root: Candidates): string {
  const walk = (node: Candidates): string[] => [
    ...node.options.filter(({ takesValue }) => takesValue).map(({ name }) => name),
    ...node.commands.flatMap(walk),
  ];
  return [...new Set(['-C', '-s', '-o', '-r', '-H', '-e', ...walk(root)])].join('|');
}

/** Each command line's words with what may come next, the deepest first. */
function levels(root: Candidates): { words: string[]; next: { name: string; about: string }[] }[] {
  const globals = [...root.options, HELP];
  const walk = (node: Candidates, words: string[]): ReturnType<typeof levels> => [
    ...node.commands.flatMap((child) => walk(child, [...words, child.name])),
    {
      words,
      next: [
        ...node.commands.map(({ name, about }) => ({ name, about })),
        ...node.choices.map((name) => ({ name, about: '' })),
        ...(node === root ? [] : node.options),
        ...globals,
      ],
    },
  ];
  return walk(root, []);
}

function bash(root: Candidates): string {
  const cases = levels(root)
    .map(
      ({ words, next }) =>
        `    "${words.map((word) => ` ${word}`).join('')}"*) words="${next.map(({ name }) => name).join(' ')}" ;;`,
    )
    .join('\n');
  return `# bash completion for imgbuild
_imgbuild() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line="" value="" word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n "$value" ]]; then value=""; continue; fi
    case "$word" in ${withValue(root)}) value=1 ;; -*) ;; *) line+=" $word" ;; esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    -C | --directory | --secrets) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    -s | --spec | -o | --out) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  case "$line" in
${cases}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _imgbuild imgbuild
`;
}

function zsh(root: Candidates): string {
  const quote = (text: string) =>
    text.replaceAll('\\', '\\\\').replaceAll("'", "'\\''").replaceAll(':', '\\:');
  const cases = levels(root)
    .map(
      ({ words, next }) =>
        `    "${words.map((word) => ` ${word}`).join('')}"*) choices=(${next.map(({ name, about }) => `'${quote(name)}:${quote(about)}'`).join(' ')}) ;;`,
    )
    .join('\n');
  return `#compdef imgbuild
_imgbuild() {
  local line="" value="" word
  local -a choices
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n "$value" ]]; then value=""; continue; fi
    case "$word" in (${withValue(root)}) value=1 ;; (-*) ;; (*) line+=" $word" ;; esac
  done
  case "\${words[CURRENT-1]}" in
    (-C|--directory|--secrets) _files -/; return ;;
    (-s|--spec|-o|--out) _files; return ;;
  esac
  case "$line" in
${cases}
  esac
  _describe imgbuild choices
}
compdef _imgbuild imgbuild
`;
}

function fish(root: Candidates): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const option = (condition: string, { name, about }: { name: string; about: string }) =>
    `complete -c imgbuild ${condition}-l ${name.slice(2)} -d ${quote(about)}`;
  const lines = ['# fish completion for imgbuild'];
  for (const { name, about } of root.commands)
    lines.push(`complete -c imgbuild -n __fish_use_subcommand -f -a ${name} -d ${quote(about)}`);
  for (const each of root.options) lines.push(option('', each));
  for (const command of root.commands) {
    const seen = `-n "__fish_seen_subcommand_from ${command.name}" `;
    for (const choice of command.choices) lines.push(`complete -c imgbuild ${seen}-f -a ${choice}`);
    for (const child of command.commands)
      lines.push(`complete -c imgbuild ${seen}-f -a ${child.name} -d ${quote(child.about)}`);
    for (const each of [...command.options, ...command.commands.flatMap((child) => child.options)])
      lines.push(option(seen, each));
  }
  return `${[...new Set(lines)].join('\n')}\n`;
}
