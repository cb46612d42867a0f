/** System on a pair of NVMe disks, data on a pair of SATA SSDs, ext4. */
import { describeOnGuests } from '../rig/describe.ts';
import { shapes } from './shapes.ts';
import { survives } from './survives.ts';

describeOnGuests('two SSD pairs', () => {
  survives('system on NVMe', shapes.nvme, 'bios', {
    lose: ['system_1', 'system_2', 'data_1'],
    replace: [['system_2', 'system_1']],
  });
  survives('system on NVMe', shapes.nvme, 'uefi', {
    lose: ['system_1', 'system_2', 'data_2'],
    data: ['data_1', 'data_2'],
    replace: [['system_1', 'system_2']],
  });
});
