/** One render of a made-up cluster, phase by phase: `render.mjs HOSTS FOLDER`. Prints its figures as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clusterOf } from './cluster.mjs';

const began = performance.now();
const [hosts, folder] = [Number(process.argv[2]), process.argv[3]];
writeFileSync(join(folder, 'cluster.yaml'), clusterOf(hosts));

const phases = {};
const timed = async (name, work) => {
  const start = performance.now();
  const result = await work();
  phases[name] = performance.now() - start;
  return result;
};

const { project, secrets, render, write, assets } = await timed('start', async () => ({
  project: await import('../../dist/cli/project.js'),
  secrets: {
    ...(await import('../../dist/secrets/store.js')),
    ...(await import('../../dist/secrets/ensure.js')),
    ...(await import('../../dist/secrets/resolve.js')),
  },
  render: await import('../../dist/render/render.js'),
  write: await import('../../dist/render/write.js'),
  assets: (await import('../../dist/render/assets.js')).loadAssets(),
}));
const options = { directory: folder, spec: [], json: false, quiet: true, secrets: join(folder, 'secrets') };
const { plan } = await timed('spec and plan', () => project.soundProject(options));
const store = secrets.openStore(options.secrets);
await timed('secrets', () => secrets.ensure(plan, store, { now: new Date() }));
const resolve = secrets.resolve(plan, store);
const files = await timed('render', () => render.renderAll(plan, { assets, resolve }));
const out = join(folder, 'out');
const about = { imgbuild: '', cluster: plan.cluster.mark, spec: '' };
await timed('write', () => write.write(out, write.compare(out, files, about)));
const total = performance.now() - began;
const { maxRSS } = process.resourceUsage();

// The yardstick: the same files once more, to another folder, by the same writer.
const start = performance.now();
mkdirSync(join(folder, 'yardstick'));
write.write(join(folder, 'yardstick'), write.compare(join(folder, 'yardstick'), files, about));
const yardstick = performance.now() - start;

const bytes = files.reduce((sum, file) => sum + file.content.length, 0);
console.log(JSON.stringify({ total, phases, files: files.length, bytes, memory: maxRSS * 1024, yardstick }));
