import { createHmac } from 'node:crypto';
import { UserError } from '../report/errors.ts';
import type { Random } from './random.ts';
import { REPORT_MASTER } from './requirements.ts';
import type { SecretStore } from './store.ts';

/** The master secret in the store, 64 hex digits, or undefined. */
export function readReportMaster(store: SecretStore): string | undefined {
  const master = store.read(REPORT_MASTER)?.trimEnd();
  if (master === undefined || /^[0-9a-f]{64}$/.test(master)) return master;
  throw new UserError(
    `${store.file(REPORT_MASTER)} is not 64 hex digits`,
    'restore it from a backup; or remove it: a new one is made, and what installed hosts sign with does not come from it',
  );
}

/** Makes a master secret. */
export function newReportMaster(random: Random): string {
  return Buffer.from(random(32)).toString('hex');
}

/**
 * What a host signs its reports with, 64 hex digits. Worked out rather than kept: whoever has the master can judge any
 * host's reports (docs/first-boot.md), and no host can sign another's.
 */
export function reportKey(master: string, host: string): string {
  return createHmac('sha256', Buffer.from(master, 'hex')).update(`imgbuild-report:${host}`).digest('hex');
}
