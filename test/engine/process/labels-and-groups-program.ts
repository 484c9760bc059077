/** Writes labels into a folder that looks like a procfs, and groups into one that looks like resctrl. */
import { O_DIRECTORY, O_RDONLY } from '../../../agent/src/abi/constants.ts';
import { joinRdtGroup, removeRdtGroup } from '../../../agent/src/libcontainer/intel-rdt/rdt-group.ts';
import { readSecurityModules } from '../../../agent/src/libcontainer/launch/security-modules.ts';
import { setExecLabel, setKeyringLabel } from '../../../agent/src/libcontainer/process/security-label.ts';
import * as fs from '../../../agent/src/sys/file.ts';
import { check, checkThrows, runChecks } from '../../support/engine/checks.ts';

const PLACE = '/run/kihon-labels';

/** A folder with empty files. */
function prepare(files: readonly string[]): void {
  for (const file of files) {
    const path = `${PLACE}/${file}`;
    fs.mkdirAll(path.slice(0, path.lastIndexOf('/')));
    fs.createFile(path, '');
  }
}

const text = (file: string): string => fs.readText(`${PLACE}/${file}`);

function run(): void {
  prepare(['new/attr/apparmor/exec', 'new/attr/exec', 'new/attr/keycreate', 'old/attr/exec']);
  {
    using procfs = fs.open(PLACE, O_RDONLY | O_DIRECTORY);
    setExecLabel(procfs, 'new', 'apparmor', 'profile one');
    check('AppArmor has files of its own', text('new/attr/apparmor/exec') === 'exec profile one');
    check('which leave the shared one alone', text('new/attr/exec') === '');
    setExecLabel(procfs, 'old', 'apparmor', 'two');
    check('or shares the old one', text('old/attr/exec') === 'exec two');
    setExecLabel(procfs, 'new', 'selinux', 'a_u:b_r:c_t:s0');
    check('SELinux has the shared one', text('new/attr/exec') === 'a_u:b_r:c_t:s0');
    setKeyringLabel(procfs, 'new', 'a_u:b_r:c_t:s0');
    check('and one for keys', text('new/attr/keycreate') === 'a_u:b_r:c_t:s0');
    setKeyringLabel(procfs, 'old', 'x');
    checkThrows(
      'a label without a file is an error',
      () => setExecLabel(procfs, 'none', 'selinux', 'x'),
      'selinuxLabel',
    );
  }

  prepare(['a/sys/module/apparmor/parameters/enabled', 'a/proc/filesystems', 'b/proc/filesystems']);
  fs.writeFile(`${PLACE}/a/sys/module/apparmor/parameters/enabled`, 'Y\n');
  fs.writeFile(`${PLACE}/a/proc/filesystems`, 'nodev\tsysfs\n\text4\n');
  fs.writeFile(`${PLACE}/b/proc/filesystems`, 'nodev\tsysfs\nnodev\tselinuxfs\n');
  const [a, b] = [readSecurityModules(`${PLACE}/a`), readSecurityModules(`${PLACE}/b`)];
  check(
    'a kernel says which modules it runs',
    a.hasAppArmor() && !a.hasSelinux() && !b.hasAppArmor() && b.hasSelinux(),
  );

  const root = `${PLACE}/resctrl`;
  prepare(['resctrl/g/schemata', 'resctrl/g/tasks', 'resctrl/info/last_cmd_status']);
  const plan = { group: 'g', mustExist: true, isOwn: false, schemata: [] };
  joinRdtGroup(root, plan, 77);
  check('a process joins its group', fs.readText(`${root}/g/tasks`) === '77\n');
  joinRdtGroup(root, { ...plan, mustExist: false, schemata: ['L3:0=f'] }, 77);
  check('whose schemata are written', fs.readText(`${root}/g/schemata`) === 'L3:0=f\n');
  checkThrows('a named group must be there', () => joinRdtGroup(root, { ...plan, group: 'h' }, 77), 'no group "h"');
  checkThrows('resctrl must be mounted', () => joinRdtGroup(undefined, plan, 77), 'not mounted');
  fs.writeFile(`${root}/info/last_cmd_status`, 'Unknown schema\n');
  const own = { group: 'own', mustExist: false, isOwn: true, schemata: ['X'] };
  checkThrows('the kernel tells why', () => joinRdtGroup(root, own, 77), 'Unknown schema');
  check('and a group made in vain is taken away', !fs.exists(`${root}/own`));
  removeRdtGroup(root, 'own');
  check('a group that is gone is removed twice', true);
}

runChecks(() => {
  run();
  return Promise.resolve();
});
