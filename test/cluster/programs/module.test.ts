import { expect, it } from 'vitest';
import { wrap } from './module.ts';

const kubernetes = {
  Module: { Path: 'k8s.io/kubernetes' },
  Go: '1.20',
  Require: [
    { Path: 'golang.org/x/net', Version: 'v0.13.0' },
    { Path: 'k8s.io/api', Version: 'v0.0.0' },
  ],
  Replace: [{ Old: { Path: 'k8s.io/api' }, New: { Path: './staging/src/k8s.io/api' } }],
};

it('takes the published libraries where Kubernetes has its own', () => {
  expect(wrap(kubernetes, { version: 'v1.28.2', staging: 'v0.28.2' }).split('\n')).toEqual([
    'module programs',
    'go 1.20',
    'require golang.org/x/net v0.13.0',
    'require k8s.io/api v0.0.0',
    'require k8s.io/kubernetes v1.28.2',
    'replace k8s.io/api => k8s.io/api v0.28.2',
    '',
  ]);
});

it('requires the same as etcd, whose siblings are published under the versions that it names', () => {
  const etcd = {
    Module: { Path: 'go.etcd.io/etcd/server/v3' },
    Go: '1.25.0',
    Require: [{ Path: 'go.etcd.io/etcd/api/v3', Version: 'v3.5.33' }],
    Replace: [
      { Old: { Path: 'go.etcd.io/etcd/api/v3' }, New: { Path: '../api' } },
      { Old: { Path: 'go.etcd.io/etcd' }, New: { Path: './FORBIDDEN_DEPENDENCY' } },
    ],
  };
  const text = wrap(etcd, { version: 'v3.5.33' });
  expect(text).toContain('require go.etcd.io/etcd/api/v3 v3.5.33\n');
  expect(text).not.toContain('replace');
});

it('keeps what else a main module says, and takes other versions where it is told', () => {
  const upstream = {
    Module: { Path: 'example.org/a' },
    Godebug: [{ Key: 'default', Value: 'go1.24' }],
    Require: [{ Path: 'example.org/b', Version: 'v1.0.0' }],
    Exclude: [{ Path: 'example.org/b', Version: 'v1.0.1' }],
    Replace: [
      {
        Old: { Path: 'example.org/c', Version: 'v1.0.0' },
        New: { Path: 'example.org/d', Version: 'v2.0.0' },
      },
    ],
  };
  const text = wrap(upstream, { version: 'v1.0.0', instead: { 'example.org/b': 'v1.0.2' } });
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      'godebug default=go1.24',
      'require example.org/b v1.0.2',
      'exclude example.org/b v1.0.1',
      'replace example.org/c v1.0.0 => example.org/d v2.0.0',
    ]),
  );
});
