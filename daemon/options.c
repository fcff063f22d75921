// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options of zusd: defaults, configuration file, environment, command line, in this order.
 *
 * ZUSD_ARGS (from the file or the environment) is parsed like a command line before the
 * real one. Strings belong to argv or to the options. Called once by main.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "zusd.h"

#define END_HELP	1
#define END_USAGE	3
#define MAX_ARGS	64

enum {
	OPT_RR = 256, OPT_FIFO, OPT_NICE, OPT_MLOCK, OPT_PLUGIN_DIR, OPT_PLUGINS, OPT_ALSO,
	OPT_CONFIG,
	OPT_PIDFILE, OPT_READY_FD, OPT_VERSION,
};

static const char short_opts[] = "hv::";

static const struct option long_opts[] = {
	{ "policyRR", optional_argument, NULL, OPT_RR },
	{ "policyFIFO", optional_argument, NULL, OPT_FIFO },
	{ "nice", optional_argument, NULL, OPT_NICE },
	{ "mlock", optional_argument, NULL, OPT_MLOCK },
	{ "verbose", optional_argument, NULL, 'v' },
	{ "plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR },
	{ "plugins", required_argument, NULL, OPT_PLUGINS },
	{ "also", required_argument, NULL, OPT_ALSO },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "pidfile", required_argument, NULL, OPT_PIDFILE },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static const char usage_text[] =
"usage: zusd [options] [ZUF_ROOT]\n"
"  --policyRR[=PRIO]    run the channel threads SCHED_RR (default priority 20)\n"
"  --policyFIFO[=PRIO]  run the channel threads SCHED_FIFO (default priority 20)\n"
"  --nice[=N]           nice value of the channel threads (default -5; without N -20)\n"
"  --mlock[=0|1|2]      lock memory: 0 no, 1 what is there and what is touched (default),\n"
"                       2 everything\n"
"  --plugin-dir=DIR     where lib<name>.so are (default " ZUSD_PLUGIN_DIR ")\n"
"  --plugins=A,B        file systems to serve (default: ZUFS_LIBFS_LIST)\n"
"  --also=A,B           file systems to serve besides these\n"
"  --config=FILE        configuration file (default " ZUSD_CONFIG_DEFAULT ")\n"
"  --pidfile=FILE       write the process number there when ready\n"
"  --ready-fd=N         write \"ready\" to this descriptor when ready\n"
"  -v, --verbose[=MASK] 1: debug messages of zusd itself (default 1)\n"
"  -h, --help           this text\n"
"  --version            the version\n"
"ZUF_ROOT is where the zuf file system is mounted (default " ZUS_ROOT_DEFAULT ").\n";

static int bad_value(const char *opt, const char *value)
{
	fprintf(stderr, "zusd: bad value '%s' for --%s\n", value, opt);
	return END_USAGE;
}

/* A number of lo .. hi, or the default when the option came without one. */
static int number(const char *opt, const char *text, long lo, long hi, long dflt, int *out)
{
	char *end;
	long v;

	*out = (int)dflt;
	if (!text)
		return 0;
	errno = 0;
	v = strtol(text, &end, 0);
	if (errno || end == text || *end || v < lo || v > hi)
		return bad_value(opt, text);
	*out = (int)v;
	return 0;
}

static int policy(struct zusd_options *o, const char *name, int policy)
{
	o->policy = policy;
	return number(name, optarg, sched_get_priority_min(policy),
		      sched_get_priority_max(policy), 20, &o->priority);
}

static int parse_one(struct zusd_options *o, int c)
{
	int n, end;

	switch (c) {
	case OPT_RR:
		return policy(o, "policyRR", SCHED_RR);
	case OPT_FIFO:
		return policy(o, "policyFIFO", SCHED_FIFO);
	case OPT_NICE:
		return number("nice", optarg, -20, 19, -20, &o->nice);
	case OPT_MLOCK:
		return number("mlock", optarg, 0, 2, 1, &o->mlock);
	case 'v':
		end = number("verbose", optarg, 0, 0x7fffffff, 1, &n);
		o->verbose = (unsigned int)n;
		return end;
	case OPT_PLUGIN_DIR:
		o->plugin_dir = optarg;
		return 0;
	case OPT_PLUGINS:
		o->plugins = optarg;
		return 0;
	case OPT_ALSO:
		o->also = optarg;
		return 0;
	case OPT_CONFIG:
		return 0;		/* see find_config() */
	case OPT_PIDFILE:
		o->pidfile = optarg;
		return 0;
	case OPT_READY_FD:
		return number("ready-fd", optarg, 0, 1 << 20, -1, &o->ready_fd);
	case OPT_VERSION:
		printf("zusd %s\n", ZUSD_VERSION);
		return END_HELP;
	case 'h':
		fputs(usage_text, stdout);
		return END_HELP;
	default:
		fputs("zusd: try --help\n", stderr);
		return END_USAGE;
	}
}

static int parse_argv(struct zusd_options *o, int argc, char **argv)
{
	int c, end;

	optind = 0;		/* start over: this runs once per source */
	while ((c = getopt_long(argc, argv, short_opts, long_opts, NULL)) != -1) {
		end = parse_one(o, c);
		if (end)
			return end;
	}
	if (argc - optind > 1) {
		fprintf(stderr, "zusd: more than one root: '%s'\n", argv[optind + 1]);
		return END_USAGE;
	}
	if (optind < argc)
		o->root = argv[optind];
	return 0;
}

/* A setting of the environment, else of the file; malloc'ed; NULL = no memory. */
static char *setting(const char *key, const char *of_file)
{
	const char *env = getenv(key);

	return strdup(env ? env : of_file ? of_file : "");
}

static int parse_zusd_args(struct zusd_options *o, const struct zusd_conf *conf)
{
	char *words[MAX_ARGS + 2];
	int n;

	o->args_text = setting("ZUSD_ARGS", conf->args);
	if (!o->args_text)
		return END_USAGE;
	words[0] = (char *)"zusd";
	n = zusd_split_words(o->args_text, words + 1, MAX_ARGS);
	if (n < 0) {
		fputs("zusd: ZUSD_ARGS: too many words or an open quote\n", stderr);
		return END_USAGE;
	}
	words[n + 1] = NULL;
	return parse_argv(o, n + 1, words);
}

static bool in_list(const char *list, const char *name, size_t len)
{
	size_t n;

	for (; *list; list += n + !!list[n]) {
		n = strcspn(list, ", ");
		if (n == len && !memcmp(list, name, len))
			return true;
	}
	return false;
}

/* What is served: the list, then what also has and the list has not. NULL = no memory. */
static char *join_lists(const char *list, const char *also)
{
	size_t len = strlen(list), n;
	char *text = calloc(1, len + strlen(also) + 2);

	if (!text)
		return NULL;
	memcpy(text, list, len);
	for (; *also; also += n + !!also[n]) {
		n = strcspn(also, ", ");
		if (!n || in_list(text, also, n))
			continue;
		if (len)
			text[len++] = ',';
		memcpy(text + len, also, n);
		len += n;
	}
	return text;
}

static int find_plugins(struct zusd_options *o, const struct zusd_conf *conf)
{
	char *list = o->plugins ? strdup(o->plugins) : setting("ZUFS_LIBFS_LIST", conf->plugins);

	if (list)
		o->plugins_text = join_lists(list, o->also ? o->also : "");
	free(list);
	o->plugins = o->plugins_text;
	if (!o->plugins) {
		fputs("zusd: no memory\n", stderr);
		return END_USAGE;
	}
	if (!*o->plugins) {
		fputs("zusd: no file systems: set ZUFS_LIBFS_LIST or use --plugins\n", stderr);
		return END_USAGE;
	}
	return 0;
}

/* --config decides which file the rest is read from; mistakes are told when all is parsed. */
static void find_config(struct zusd_options *o, int argc, char **argv)
{
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, short_opts, long_opts, NULL)) != -1)
		if (c == OPT_CONFIG)
			o->config = optarg;
	opterr = 1;
}

int zusd_options_parse(struct zusd_options *o, int argc, char **argv)
{
	struct zusd_conf conf;
	int end, err;

	*o = (struct zusd_options){
		.root = ZUS_ROOT_DEFAULT,
		.config = ZUSD_CONFIG_DEFAULT,
		.plugin_dir = ZUSD_PLUGIN_DIR,
		.ready_fd = -1,
		.policy = SCHED_OTHER,
		.nice = ZUSD_NICE_DEFAULT,
		.mlock = 1,
	};
	find_config(o, argc, argv);
	err = zusd_conf_read(o->config, &conf);
	if (err && err != -ENOENT)
		return END_USAGE;
	end = parse_zusd_args(o, &conf);
	if (!end)
		end = parse_argv(o, argc, argv);
	if (!end)
		end = find_plugins(o, &conf);
	zusd_conf_free(&conf);
	return end;
}

void zusd_options_free(struct zusd_options *o)
{
	free(o->args_text);
	free(o->plugins_text);
	o->args_text = NULL;
	o->plugins_text = NULL;
}
