/** Policies for tests, in the shape of those that Kata's generator makes: rules over data, state from request to request. */

/** Every request of the API may pass, `SetPolicyRequest` included; `except` gives some another rule. */
export function allowAllBut(except: string, names: readonly string[]): string {
  return `package agent_policy\n\n${names.map((name) => `default ${name} := true`).join('\n')}\n\n${except}\n`;
}

/**
 * Containers by their arguments, environment and mounts; one container of each kind, kept as state; commands for exec; paths for CopyFile.
 */
export const GENERATED_POLICY = `package agent_policy

import future.keywords.every
import future.keywords.if
import future.keywords.in

default CreateContainerRequest := false
default ExecProcessRequest := false
default CopyFileRequest := false
default WriteStreamRequest := false
default SetPolicyRequest := false
default ReadStreamRequest := true
default CreateSandboxRequest := true
default StartContainerRequest := true
default WaitProcessRequest := true
default SignalProcessRequest := true
default DestroySandboxRequest := true
default StatsContainerRequest := true

CreateContainerRequest := {"ops": ops, "allowed": true} if {
    is_null(input.OCI.Hooks)
    some index, container in policy_data.containers
    print("trying container", index)
    allow_args(container, input.OCI.Process.Args)
    every variable in input.OCI.Process.Env {
        allow_variable(container, variable)
    }
    every storage in input.storages {
        allow_storage(container, storage)
    }
    not data.pstate[input.container_id]
    path := concat("/", ["/pstate", input.container_id])
    ops := [{"op": "add", "path": path, "value": index}]
}

RemoveContainerRequest := {"ops": ops, "allowed": true} if {
    data.pstate[input.container_id] >= 0
    ops := [{"op": "remove", "path": concat("/", ["/pstate", input.container_id])}]
}

allow_args(container, args) if {
    count(container.args) == count(args)
    every i, arg in args {
        regex.match(container.args[i], arg)
    }
}

allow_variable(container, variable) if variable in container.env

allow_variable(_, variable) if {
    some pattern in policy_data.defaults.env_patterns
    regex.match(replace(pattern, "$(label)", policy_data.defaults.label), variable)
}

allow_storage(container, storage) if {
    some known in container.storages
    known.driver == storage.driver
    known.options == storage.options
    regex.match(known.mount_point, storage.mount_point)
}

ExecProcessRequest if {
    print("exec", input.process.Args)
    index := data.pstate[input.container_id]
    some command in policy_data.containers[index].commands
    command == input.process.Args
}

CopyFileRequest if {
    not regex.match("(^|/)\\\\.\\\\.($|/)", input.path)
    some pattern in policy_data.defaults.copy
    regex.match(pattern, input.path)
    input.file_type in {"Regular", "Directory"}
}

policy_data := {
  "containers": [
    {
      "args": ["^/bin/sh$", "^-c$", "^(true|sleep [0-9]+)$"],
      "env": ["GREETING=hello"],
      "storages": [{"driver": "ephemeral", "options": [], "mount_point": "^/run/kata-containers/sandbox/ephemeral/[a-z]+$"}],
      "commands": [["/bin/sh", "-c", "echo probe"]]
    }
  ],
  "defaults": {
    "label": "[a-z]{1,20}",
    "env_patterns": ["^PATH=", "^HOSTNAME=$(label)$"],
    "copy": ["^/run/kata-containers/shared/containers/[a-z0-9-]+$"]
  }
}
`;
