# The policy of the confidential guests here unless another is named (AGENT_POLICY_FILE, agent.policy). The host runs containers
# and gives them a network, but has no way in and sees nothing that they say: no exec, no input, no output, no diagnosis, no other
# policy, nothing of the guest's memory on its disks. It does not judge which images and commands are run: Kata's genpolicy makes
# policies that do, from a pod's YAML.
package agent_policy

# Life of sandbox and containers.
default CreateSandboxRequest := true
default DestroySandboxRequest := true
default CreateContainerRequest := true
default StartContainerRequest := true
default SignalProcessRequest := true
default WaitProcessRequest := true
default RemoveContainerRequest := true
default PauseContainerRequest := true
default ResumeContainerRequest := true
default UpdateContainerRequest := true
default UpdateEphemeralMountsRequest := true
default RemoveStaleVirtiofsShareMountsRequest := true
# Files of a sandbox without a shared file system. The agent takes them only for places below the shared folder.
default CopyFileRequest := true

# What machine it is, and its counts.
default GuestDetailsRequest := true
default OnlineCPUMemRequest := true
default MemHotplugByProbeRequest := true
default ReseedRandomDevRequest := true
default SetGuestDateTimeRequest := true
default ResizeVolumeRequest := true
default VolumeStatsRequest := true
default StatsContainerRequest := true
default GetMetricsRequest := true
default GetOOMEventRequest := true

# Its network.
default UpdateInterfaceRequest := true
default UpdateRoutesRequest := true
default AddARPNeighborsRequest := true
default ListInterfacesRequest := true
default ListRoutesRequest := true

# Ways in and out.
default ExecProcessRequest := false
default WriteStreamRequest := false
default CloseStdinRequest := false
default TtyWinResizeRequest := false
default ReadStreamRequest := false
default GetDiagnosticDataRequest := false
default GetIPTablesRequest := false
default SetIPTablesRequest := false
default SetPolicyRequest := false
default AddSwapRequest := false
default AddSwapPathRequest := false
default MemAgentMemcgConfig := false
default MemAgentCompactConfig := false
