/** What the loader itself finds: mistakes of form, before any rule looks at the meaning. */
export const formCodes: readonly {
  code: string;
  title: string;
  reason: string;
  remedy: string;
  example?: string;
}[] = [
  {
    code: 'yaml',
    title: 'The file is not YAML',
    reason: 'Nothing can be read from it. A key that stands twice counts: one of the two would silently win.',
    remedy: 'Mend the line that is named; spaces indent, tabs do not.',
    example: 'name: one\nname: two\n',
  },
  {
    code: 'key-unknown',
    title: 'A key means nothing',
    reason: 'A misspelt key that was passed over would leave a default in force that nobody chose.',
    remedy: 'Use the key that is suggested; the schema lists them all.',
    example: 'kuberntes: { version: 1.34.12 }\n',
  },
  {
    code: 'key-missing',
    title: 'A key is missing',
    reason: 'There is no sensible default for it.',
    remedy: 'Add it.',
    example: 'hosts:\n  - { name: knode9, role: worker }\n',
  },
  {
    code: 'value-type',
    title: 'A value is of the wrong kind',
    reason: 'YAML reads 1.30 as the number 1.3, and a serial number of digits as a number without its zeros.',
    remedy: 'Put texts that look like numbers in quotes.',
    example: 'kubernetes: { version: 1.30 }\n',
  },
  {
    code: 'value-form',
    title: 'A value has the wrong form',
    reason: 'An address, a size or a version that cannot be read cannot be used.',
    remedy: 'Write it as the message shows.',
    example: 'networks: { management: { cidr: 10.10.0.0 } }\n',
  },
  {
    code: 'value-choice',
    title: 'A value is none of those to choose from',
    reason: 'Only what is listed is known.',
    remedy: 'Use the one that is suggested.',
    example: 'kubernetes: { runtime: crio }\n',
  },
  {
    code: 'value-range',
    title: 'A number is out of range, or a list too short',
    reason: 'What is outside cannot work: a VLAN id ends at 4094, a port at 65535.',
    remedy: 'Choose one inside.',
    example: 'networks: { management: { vlan: 5000 } }\n',
  },
  {
    code: 'value-twice',
    title: 'A list has an entry twice',
    reason: 'The second has no effect, and stands where another was meant.',
    remedy: 'Remove one of the two.',
    example: 'ntp: [ntp.aliyun.com, ntp.aliyun.com]\n',
  },
  {
    code: 'file-source',
    title: 'A file that the spec names cannot be read',
    reason: 'What it holds belongs on a host.',
    remedy: 'Correct the path: it is taken from the folder of the first spec file.',
    example: 'files: [{ path: /etc/motd, source: no-such-file }]\n',
  },
  {
    code: 'catalogue',
    title: 'An entry of the catalogue is not complete',
    reason: 'A release that lacks a field cannot be rendered; an entry that extends itself has no end.',
    remedy: 'Complete the file under `images/` beside the spec.',
  },
];
