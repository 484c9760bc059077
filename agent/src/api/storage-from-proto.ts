import type { Storage as ProtoStorage } from '../../../proto/gen/agent.js';
import { invalidArgument } from '../base/errors.ts';
import type { FsGroup, Storage } from '../guest/storage/storage.ts';

/** FSGroupChangePolicy of types.proto. */
const changePolicies: readonly FsGroup['changePolicy'][] = ['always', 'on_root_mismatch'];

/** The API's Storage message as the guest's drivers know it. */
export function storageFromProto(proto: ProtoStorage, index: number): Storage {
  const group = proto.fs_group;
  return {
    driver: proto.driver,
    driverOptions: proto.driver_options,
    source: proto.source,
    fstype: proto.fstype,
    options: proto.options,
    mountPoint: proto.mount_point,
    shared: proto.shared,
    fsGroup:
      group === undefined
        ? undefined
        : { groupId: group.group_id, changePolicy: changePolicy(group.group_change_policy, index) },
  };
}

function changePolicy(value: number, index: number): FsGroup['changePolicy'] {
  const policy = changePolicies[value];
  if (policy === undefined)
    throw invalidArgument(`storages[${index}].fs_group.group_change_policy`, `${value} is not a known policy`);
  return policy;
}
