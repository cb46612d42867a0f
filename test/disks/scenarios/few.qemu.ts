/** One pair, and one disk. */
import { describeOnGuests } from '../rig/describe.ts';
import { shapes } from './shapes.ts';
import { survives } from './survives.ts';

describeOnGuests('few disks', () => {
  survives('one pair', shapes.pair, 'uefi', {
    lose: ['system_1', 'system_2'],
    replace: [['system_1', 'system_2']],
  });
  survives('one disk', shapes.one, 'bios', { lose: [] });
});
