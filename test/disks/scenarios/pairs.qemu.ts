/** System on a pair of SSDs, data on a pair of hard disks. */
import { describeOnGuests } from '../rig/describe.ts';
import { shapes } from './shapes.ts';
import { survives } from './survives.ts';

describeOnGuests('an SSD pair and an HDD pair', () => {
  survives('two pairs', shapes.pairs, 'bios', {
    lose: ['system_1', 'system_2', 'data_1'],
    data: ['data_1', 'data_2'],
    replace: [
      ['system_1', 'system_2'],
      ['data_2', 'data_1'],
    ],
    deployment: { slow: true },
  });
  survives('two pairs', shapes.pairs, 'uefi', {
    lose: ['system_1', 'system_2', 'data_2'],
    data: ['data_1', 'data_2'],
    replace: [['system_2', 'system_1']],
  });
});
