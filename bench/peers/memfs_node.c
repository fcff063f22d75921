// SPDX-License-Identifier: BSD-2-Clause
/*
 * memfs_node.c: the inodes, directories and data of memfs_ll.
 *
 * Plain data structures without any I/O; called by memfs_ll.c under its lock. A directory is a
 * hash table plus an array in creation order that makes readdir cookies stable.
 */
#include "memfs_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static uint64_t last_ino = 1;

struct node *node_create(mode_t mode, uid_t uid, gid_t gid, dev_t rdev)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	if (S_ISDIR(mode)) {
		node->dir = calloc(1, sizeof(*node->dir));
		if (!node->dir) {
			free(node);
			return NULL;
		}
		node->dir->next_position = 1;
	}
	node->st.st_ino = ++last_ino;
	node->st.st_mode = mode;
	node->st.st_uid = uid;
	node->st.st_gid = gid;
	node->st.st_rdev = rdev;
	node->st.st_nlink = S_ISDIR(mode) ? 2 : 1;
	node->st.st_blksize = 4096;
	clock_gettime(CLOCK_REALTIME_COARSE, &node->st.st_mtim);
	node->st.st_atim = node->st.st_mtim;
	node->st.st_ctim = node->st.st_mtim;
	return node;
}

static void free_chunk(struct node *node, size_t i)
{
	if (!node->chunk[i])
		return;
	munmap(node->chunk[i], CHUNK_BYTES);
	node->chunk[i] = NULL;
	node->st.st_blocks -= CHUNK_BYTES / 512;
}

void node_put_if_unused(struct node *node)
{
	if (node->nlookup || node->st.st_nlink)
		return;
	for (size_t i = 0; i < node->chunks; i++)
		free_chunk(node, i);
	free(node->chunk);
	free(node->target);
	if (node->dir)
		free(node->dir->by_position);
	free(node->dir);
	free(node);
}

static unsigned int hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (hash ^ hash >> 16) % DIR_BUCKETS;
}

struct entry *dir_find(const struct dir *dir, const char *name)
{
	struct entry *e = dir->bucket[hash_name(name)];

	while (e && strcmp(e->name, name) != 0)
		e = e->hash_next;
	return e;
}

/* Squeeze the holes out, so that the array grows with the entries and not with the creations. */
static void compact(struct dir *dir)
{
	size_t to = 0;

	for (size_t i = 0; i < dir->used; i++) {
		if (!dir->by_position[i])
			continue;
		dir->by_position[to] = dir->by_position[i];
		dir->by_position[to]->index = to;
		to++;
	}
	dir->used = to;
}

static int make_room(struct dir *dir)
{
	size_t room = dir->room ? dir->room * 2 : 64;
	struct entry **bigger;

	if (dir->used < dir->room)
		return 0;
	if (dir->entries < dir->used / 2) {
		compact(dir);
		return 0;
	}
	bigger = reallocarray(dir->by_position, room, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	dir->by_position = bigger;
	dir->room = room;
	return 0;
}

int dir_add(struct dir *dir, const char *name, struct node *node)
{
	struct entry **head = &dir->bucket[hash_name(name)];
	size_t len = strlen(name) + 1;
	struct entry *e = malloc(sizeof(*e) + len);

	if (!e || make_room(dir)) {
		free(e);
		return -ENOMEM;
	}
	memcpy(e->name, name, len);
	e->node = node;
	e->position = dir->next_position++;
	e->index = dir->used;
	e->hash_next = *head;
	*head = e;
	dir->by_position[dir->used++] = e;
	dir->entries++;
	return 0;
}

void dir_remove(struct dir *dir, struct entry *entry)
{
	struct entry **at = &dir->bucket[hash_name(entry->name)];

	while (*at != entry)
		at = &(*at)->hash_next;
	*at = entry->hash_next;
	dir->by_position[entry->index] = NULL;
	dir->entries--;
	free(entry);
}

struct entry *dir_next(const struct dir *dir, uint64_t position)
{
	size_t low = 0, high = dir->used;

	/* Positions ascend along the array: bisect, stepping over holes. */
	while (low < high) {
		size_t mid = low + (high - low) / 2, probe = mid;

		while (probe < high && !dir->by_position[probe])
			probe++;
		if (probe == high)
			high = mid;
		else if (dir->by_position[probe]->position < position)
			low = probe + 1;
		else
			high = mid;
	}
	while (low < dir->used && !dir->by_position[low])
		low++;
	return low < dir->used ? dir->by_position[low] : NULL;
}

char *node_chunk(const struct node *node, off_t at)
{
	size_t i = (size_t)at / CHUNK_BYTES;

	return i < node->chunks ? node->chunk[i] : NULL;
}

static int grow_table(struct node *node, size_t chunks)
{
	size_t room = chunks + chunks / 2;
	char **bigger;

	if (chunks <= node->chunks)
		return 0;
	bigger = reallocarray(node->chunk, room, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + node->chunks, 0, (room - node->chunks) * sizeof(*bigger));
	node->chunk = bigger;
	node->chunks = room;
	return 0;
}

char *node_chunk_make(struct node *node, off_t at)
{
	size_t i = (size_t)at / CHUNK_BYTES;
	char *memory;

	if (grow_table(node, i + 1))
		return NULL;
	if (node->chunk[i])
		return node->chunk[i];
	memory = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	node->chunk[i] = memory;
	node->st.st_blocks += CHUNK_BYTES / 512;
	return memory;
}

void node_truncate(struct node *node, off_t size)
{
	size_t keep = ((size_t)size + CHUNK_BYTES - 1) / CHUNK_BYTES;
	size_t tail = (size_t)size % CHUNK_BYTES;
	char *last = node_chunk(node, size);

	if (size < node->st.st_size) {
		for (size_t i = keep; i < node->chunks; i++)
			free_chunk(node, i);
		if (tail && last)
			memset(last + tail, 0, CHUNK_BYTES - tail);
	}
	node->st.st_size = size;
}
