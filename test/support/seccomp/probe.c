/*
 * Makes system calls one by one, each in a child of its own, and prints what became of them.
 *
 *     probe WHAT...      WHAT is NAME=[t]ABI:NUMBER[:ARGUMENT...]
 *
 * ABI is n (native), x (x32) or i (i386 through int 0x80); t makes the call in a second thread. A line for each:
 * `NAME ok`, `NAME errno 1`, `NAME trap 83`, `NAME killed 31` (signal), `NAME thread-killed`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int report = -1;

static void say(const char *text, long number)
{
	char line[64];
	int length = snprintf(line, sizeof line, "%s %ld", text, number);
	write(report, line, length);
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	say("trap", info->si_syscall);
	_exit(0);
}

struct call {
	char abi;
	long number;
	unsigned long long args[6];
};

static long perform(const struct call *call)
{
	long result;
	if (call->abi == 'i') {
#ifdef __x86_64__
		register long edi __asm__("rdi") = (long)call->args[4];
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"(call->number), "b"(call->args[0]), "c"(call->args[1]), "d"(call->args[2]),
				   "S"(call->args[3]), "r"(edi)
				 : "memory", "r8", "r9", "r10", "r11");
		return (int)result;
#else
		return -ENOSYS;
#endif
	}
	long number = call->number + (call->abi == 'x' ? 0x40000000 : 0);
	result = syscall(number, call->args[0], call->args[1], call->args[2], call->args[3], call->args[4], call->args[5]);
	return result == -1 ? -errno : result;
}

static void tell(long result)
{
	if (result < 0 && result > -4096)
		say("errno", -result);
	else
		write(report, "ok", 2);
}

static volatile pid_t thread_id;
static volatile int has_finished;

static void *in_thread(void *call)
{
	thread_id = gettid();
	tell(perform(call));
	has_finished = 1;
	return NULL;
}

static void probe(struct call *call, int has_thread)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	sigaction(SIGSYS, &action, NULL);
	if (!has_thread) {
		tell(perform(call));
		_exit(0);
	}
	pthread_t thread;
	if (pthread_create(&thread, NULL, in_thread, call) != 0)
		_exit(3);
	/* A thread that the kernel killed never tells pthread_join. */
	while (!has_finished && (thread_id == 0 || syscall(SYS_tgkill, getpid(), thread_id, 0) == 0))
		usleep(1000);
	if (!has_finished)
		write(report, "thread-killed", 13);
	_exit(0);
}

static void run(char *what)
{
	char *rest = strchr(what, '=');
	if (rest == NULL)
		return;
	*rest++ = '\0';
	int has_thread = *rest == 't';
	if (has_thread)
		rest++;
	struct call call = { .abi = *rest };
	call.number = strtol(rest + 2, &rest, 0);
	for (int index = 0; index < 6 && *rest == ':'; index++)
		call.args[index] = strtoull(rest + 1, &rest, 0);
	int ends[2];
	if (pipe(ends) != 0)
		exit(3);
	pid_t child = fork();
	if (child == 0) {
		report = ends[1];
		probe(&call, has_thread);
	}
	close(ends[1]);
	char text[64] = "";
	ssize_t length = read(ends[0], text, sizeof text - 1);
	close(ends[0]);
	int status = 0;
	waitpid(child, &status, 0);
	if (length <= 0)
		snprintf(text, sizeof text, WIFSIGNALED(status) ? "killed %d" : "exit %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	printf("%s %s\n", what, text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	for (int index = 1; index < argc; index++)
		run(argv[index]);
	return 0;
}
