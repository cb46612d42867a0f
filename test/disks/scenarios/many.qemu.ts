/** A system pair with four data disks: RAID-10, and two pairs in one volume group. */
import { describeOnGuests } from '../rig/describe.ts';
import { shapes } from './shapes.ts';
import { survives } from './survives.ts';

describeOnGuests('four data disks', () => {
  survives('RAID-10', shapes.raid10, 'uefi', {
    lose: ['system_1', 'data_2'],
    data: ['data_1', 'data_2'],
    replace: [['data_1', 'data_2']],
  });
  survives('two pairs in one volume group', shapes.lvm, 'bios', {
    lose: ['system_2', 'data_4'],
    data: ['data_3', 'data_4'],
    replace: [['data_3', 'data_4']],
  });
});
