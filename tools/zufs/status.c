// SPDX-License-Identifier: BSD-2-Clause
/*
 * zufs status: module, root, server, registered types, mounts. Reads only; what it prints
 * may be out of date the moment after. A mount is ours when its type is registered at the
 * root, or is that of an installed plugin (its server may be dead). Nothing here waits for a
 * server: it may hang.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "stats.h"
#include "zufs.h"

struct status {
	struct root root;
	struct mount_list mounts;
	struct fstype_list types;
	struct stats stats;		/* empty, if the module has none */
	bool has_module;
	char version[64];		/* "" if the module tells none */
};

static bool is_ours(const struct status *s, const struct mount_entry *m)
{
	return root_serves(&s->root, m->type) || fstypes_by_name(&s->types, m->type);
}

static void json_types(struct json *j, char *names)
{
	char *name, *save = NULL;

	json_begin(j, "types", '[');
	for (name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
		json_str(j, NULL, name);
	json_end(j, ']');
}

static void json_root(struct json *j, const struct root *root)
{
	char names[sizeof(root->types)];

	memcpy(names, root->types, sizeof(names));
	json_begin(j, "roots", '[');
	if (root->state != ROOT_ABSENT) {
		json_begin(j, NULL, '{');
		json_str(j, "path", root->path);
		json_str(j, "state", root->state_text);
		json_types(j, names);
		if (root->server)
			json_num(j, "server_pid", (uint64_t)root->server);
		else
			json_str(j, "server_pid", NULL);
		json_str(j, "server_name", root->server ? root->server_name : NULL);
		json_end(j, '}');
	}
	json_end(j, ']');
}

/* NULL: it belongs to another root. */
static void json_server(struct json *j, const struct stat_mount *m)
{
	json_str(j, "server", !m ? NULL : m->is_live ? "live" : "dead");
	if (m) {
		json_num(j, "t1_bytes", m->t1_bytes);
		json_num(j, "t2_bytes", m->t2_bytes);
	} else {
		json_str(j, "t1_bytes", NULL);
		json_str(j, "t2_bytes", NULL);
	}
}

static void json_mounts(struct json *j, const struct status *s)
{
	const struct mount_entry *m;
	size_t i;

	json_begin(j, "mounts", '[');
	for (i = 0; i < s->mounts.count; i++) {
		m = &s->mounts.entries[i];
		if (!is_ours(s, m))
			continue;
		json_begin(j, NULL, '{');
		json_str(j, "type", m->type);
		json_str(j, "source", m->source);
		json_str(j, "dir", m->dir);
		json_str(j, "options", m->options);
		json_server(j, stats_mount(&s->stats, m->dev));
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void json_at_work(struct json *j, const struct status *s)
{
	size_t i;

	json_begin(j, "at_work", '[');
	for (i = 0; i < s->stats.nr_channels; i++) {
		const struct stat_channel *c = &s->stats.channels[i];

		json_begin(j, NULL, '{');
		json_num(j, "cpu", c->cpu);
		json_num(j, "channel", c->number);
		json_str(j, "state", c->state);
		json_str(j, "operation", c->op);
		json_num(j, "thread", (uint64_t)c->thread);
		if (c->app)
			json_num(j, "process", (uint64_t)c->app);
		else
			json_str(j, "process", NULL);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void print_json(const struct status *s)
{
	struct json j;

	json_start(&j, stdout);
	json_begin(&j, "module", '{');
	json_bool(&j, "loaded", s->has_module);
	json_str(&j, "version", s->version[0] ? s->version : NULL);
	json_end(&j, '}');
	json_root(&j, &s->root);
	json_mounts(&j, s);
	json_at_work(&j, s);
	json_num(&j, "waiting", s->stats.waiting);
	json_finish(&j);
}

static void print_mount(const struct status *s, const struct mount_entry *m)
{
	const struct stat_mount *sm = stats_mount(&s->stats, m->dev);

	printf("mount   %s on %s type %s (%s)\n", m->source, m->dir, m->type, m->options);
	if (sm)
		printf("        server %s, T1 %llu MiB, T2 %llu MiB\n",
		       sm->is_live ? "live" : "dead", (unsigned long long)(sm->t1_bytes >> 20),
		       (unsigned long long)(sm->t2_bytes >> 20));
}

static void print_channel(const struct stat_channel *c)
{
	printf("at work thread %d: %s (%s), channel %u.%u", (int)c->thread, c->op, c->state,
	       c->cpu, c->number);
	if (c->app)
		printf(", for process %d", (int)c->app);
	putchar('\n');
}

static void print_text(const struct status *s)
{
	const struct root *root = &s->root;
	size_t i;

	printf("module  %s%s%s\n", s->has_module ? "loaded" : "not loaded",
	       s->version[0] ? ", version " : "", s->version);
	printf("root    %s: %s\n", root->path, root->state_text);
	if (root->server)
		printf("server  %s, pid %d\n", root->server_name, (int)root->server);
	else
		printf("server  none\n");
	printf("types   %s\n", root->types[0] ? root->types : "none");
	for (i = 0; i < s->mounts.count; i++)
		if (is_ours(s, &s->mounts.entries[i]))
			print_mount(s, &s->mounts.entries[i]);
	for (i = 0; i < s->stats.nr_channels; i++)
		print_channel(&s->stats.channels[i]);
	if (s->stats.waiting)
		printf("waiting %llu, for a channel\n", (unsigned long long)s->stats.waiting);
}

/* An older module has no such file: then there is less to show. */
static int read_stats(const char *path, struct stats *stats)
{
	int err, fd = stats_open(path, false);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return msg_errno(fd, "%s/stats", path);
	err = stats_read(fd, stats);
	close(fd);
	return err ? msg_errno(err, "%s/stats", path) : 0;
}

static int collect(const char *path, struct status *s)
{
	s->has_module = module_is_loaded();
	if (!module_version(s->version, sizeof(s->version)))
		s->version[0] = 0;
	if (root_read(path, &s->root) || mounts_read(&s->mounts))
		return -1;
	if (fstypes_load(&s->types)) {
		mounts_free(&s->mounts);
		return -1;
	}
	if (s->root.state != ROOT_ABSENT && read_stats(path, &s->stats)) {
		fstypes_free(&s->types);
		mounts_free(&s->mounts);
		return -1;
	}
	return 0;
}

static int show(const char *path, bool as_json)
{
	struct status s = { 0 };

	if (collect(path, &s))
		return EXIT_FAILED;
	if (as_json)
		print_json(&s);
	else
		print_text(&s);
	stats_free(&s.stats);
	mounts_free(&s.mounts);
	fstypes_free(&s.types);
	return s.root.state == ROOT_READY && s.root.server ? EXIT_OK : EXIT_FAILED;
}

int cmd_status(int argc, char **argv)
{
	const char *path = ROOT_DEFAULT;
	bool as_json = false;
	int status = options_of_view("status", argc, argv, &path, &as_json);

	if (status >= 0)
		return status;
	if (argc != optind)
		return usage_of("status", false);
	return show(path, as_json);
}
