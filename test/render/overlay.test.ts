import { describe, expect, test } from 'vitest';
import { assetsOf } from '../../src/render/assets.ts';
import { layFiles, overlay, overlayNames } from '../../src/render/overlay.ts';
import { assets } from '../overlays/plans.ts';

const layersOf = (files: Record<string, string>, others: Record<string, string> = {}) => {
  const texts = new Map(Object.entries(files).map(([path, text]) => [`overlays/${path}`, text]));
  for (const [path, text] of Object.entries(others)) texts.set(path, text);
  return assetsOf(texts);
};
const ABOUT = 'description: something\n';

describe('files', () => {
  const made = layersOf({
    'a/overlay.yaml': `${ABOUT}files: { /etc/secret: { mode: "0440", owner: etcd, group: wheel, perHost: true } }`,
    'a/etc/secret.ejs': '',
    'a/etc/plain': '',
    'a/usr/libexec/tool': '',
    'a/opt/k8s/bin/tool.sh.ejs': '',
  });
  const files = new Map(overlay(made, 'a').files.map((file) => [file.path, file]));

  test('lie where they stand in the package, without .ejs', () => {
    expect([...files.keys()].sort()).toEqual([
      '/etc/plain',
      '/etc/secret',
      '/opt/k8s/bin/tool.sh',
      '/usr/libexec/tool',
    ]);
    expect(files.get('/etc/secret')?.isTemplate).toBe(true);
    expect(files.get('/etc/plain')?.isTemplate).toBe(false);
  });

  test('have the mode and owner of overlay.yaml, else 0644 or 0755 and root', () => {
    expect(files.get('/etc/secret')).toMatchObject({
      mode: 0o440,
      owner: 'etcd',
      group: 'wheel',
      perHost: true,
    });
    expect(files.get('/etc/plain')).toMatchObject({
      mode: 0o644,
      owner: 'root',
      group: 'root',
      perHost: false,
    });
    expect(files.get('/usr/libexec/tool')?.mode).toBe(0o755);
    // A library: nobody runs it.
    expect(files.get('/opt/k8s/bin/tool.sh')?.mode).toBe(0o644);
  });

  test('come from elsewhere in the package where overlay.yaml says so', () => {
    const shared = layersOf(
      { 'a/overlay.yaml': `${ABOUT}files: { /usr/libexec/lib.sh: { from: installer/lib.sh } }` },
      { 'installer/lib.sh': 'x' },
    );
    expect(overlay(shared, 'a').files).toMatchObject([
      { path: '/usr/libexec/lib.sh', source: 'installer/lib.sh', mode: 0o644 },
    ]);
  });

  test('must be there, wherever they come from', () => {
    const entry = (text: string) => layersOf({ 'a/overlay.yaml': `${ABOUT}files: { /x: ${text} }` });
    expect(() => overlay(entry('{ mode: "0600" }'), 'a')).toThrow('there is no /x in this overlay');
    expect(() => overlay(entry('{ from: installer/none.sh }'), 'a')).toThrow('installer/none.sh');
    expect(() => overlay(entry('{ from: [a] }'), 'a')).toThrow('"from" must be a path in the package');
  });
});

describe('layers', () => {
  test('two that hold a path are refused', () => {
    const two = layersOf({
      'a/overlay.yaml': ABOUT,
      'a/etc/x': '1',
      'b/overlay.yaml': ABOUT,
      'b/etc/x': '2',
    });
    expect(() => layFiles(two, ['a', 'b'])).toThrow('the overlays a and b both have /etc/x');
    expect(layFiles(two, ['b'])).toHaveLength(1);
  });

  test('unless the later one replaces', () => {
    const two = layersOf({
      'a/overlay.yaml': ABOUT,
      'a/etc/x': '1',
      'b/overlay.yaml': `${ABOUT}files: { /etc/x: { replaces: a } }`,
      'b/etc/x': '2',
    });
    expect(layFiles(two, ['a', 'b']).map(({ layer }) => layer)).toEqual(['b']);
    expect(() => layFiles(two, ['b', 'a'])).toThrow('which has none');
  });

  test('a replacement of nothing is refused', () => {
    const two = layersOf({
      'a/overlay.yaml': ABOUT,
      'b/overlay.yaml': `${ABOUT}files: { /etc/x: { replaces: a } }`,
      'b/etc/x': '2',
    });
    expect(() => layFiles(two, ['a', 'b'])).toThrow('/etc/x replaces a file of a, which has none');
  });

  test('a file is left out where none of the layers it goes with is laid', () => {
    const three = layersOf({
      'a/overlay.yaml': `${ABOUT}files: { /etc/x: { with: [b, c] } }`,
      'a/etc/x': '1',
      'b/overlay.yaml': ABOUT,
      'd/overlay.yaml': ABOUT,
    });
    expect(layFiles(three, ['a', 'd'])).toHaveLength(0);
    expect(layFiles(three, ['a', 'b'])).toHaveLength(1);
  });

  test('an unknown one is refused, with a guess', () => {
    const one = layersOf({ 'base/overlay.yaml': ABOUT });
    expect(() => layFiles(one, ['bsae'])).toThrow(expect.objectContaining({ hint: 'did you mean "base"?' }));
  });
});

describe('overlay.yaml', () => {
  test.each([
    ['files: {}', 'it must have a description'],
    [`${ABOUT}fiels: {}`, 'unknown key "fiels"'],
    [`${ABOUT}files: { /etc/x: { mod: "0644" } }`, '/etc/x: unknown key "mod"'],
    [`${ABOUT}files: { /etc/x: { mode: 0644 } }`, 'the mode must be octal'],
    [`${ABOUT}files: { /etc/x: { with: b } }`, '"with" must be a list'],
    [`${ABOUT}files: { /etc/y: {} }`, 'there is no /etc/y in this overlay'],
  ])('%j is refused', (text, message) => {
    expect(() => overlay(layersOf({ 'a/overlay.yaml': text, 'a/etc/x': '' }), 'a')).toThrow(message);
  });

  test.each(overlayNames(assets))('%s of the package is fine', (name) => {
    expect(overlay(assets, name).description).not.toBe('');
  });
});
