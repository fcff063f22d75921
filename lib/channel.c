// SPDX-License-Identifier: BSD-2-Clause
/*
 * Transport to zuf.ko: special files, ioctls, mappings (see zus/channel.h).
 *
 * Every ioctl has two results, its own and hdr.err; both become one -errno here. The command
 * buffer is shared with the kernel: it is ours between a return of WAIT_OPT and the next call.
 */
#define _GNU_SOURCE
#include <zus/channel.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zus/fs.h>

#include "internal.h"

int zus_root_open(const char *path)
{
	struct statfs st;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &st) || st.f_type != ZUFS_SUPER_MAGIC_ROOT) {
		close(fd);
		return -ENODEV;
	}
	return fd;
}

int zus_control_path(int root_fd, char *path, size_t size)
{
	struct stat st;
	int n;

	if (fstat(root_fd, &st))
		return -errno;
	n = snprintf(path, size, ZUS_CONTROL_DIR "/control-%u", minor(st.st_dev));
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int zus_special_open(int root_fd)
{
	int fd = openat(root_fd, ".", O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : fd;
}

int zus_special_ioctl(int fd, unsigned long request, void *arg)
{
	struct zufs_ioc_hdr *hdr = arg;

	if (ioctl(fd, request, arg) < 0)
		return -errno;
	return hdr->err > 0 ? -EIO : hdr->err;
}

int zus_register_type(int root_fd, const struct zus_type *type)
{
	struct zufs_ioc_register_fs ioc = {
		.hdr.in_len = sizeof(ioc),
		.zus_zfi = (uint64_t)(uintptr_t)type,
	};
	int err, fd = zus_special_open(root_fd);

	if (fd < 0)
		return fd;
	zus_type_info(type, &ioc.rfi);
	err = zus_special_ioctl(fd, ZU_IOC_REGISTER_FS, &ioc);
	close(fd);
	return err;
}

int zus_numa_online_cpus(int root_fd, struct zufs_cpu_set *set)
{
	union {
		struct zufs_ioc_numa_map map;
		char page[ZUFS_PAGE_SIZE];
	} u;
	const struct zufs_cpu_set *nodes = ZUFS_TAIL(&u.map, cpu_set_per_node);
	int err, fd = zus_special_open(root_fd);

	if (fd < 0)
		return fd;
	memset(&u, 0, sizeof(u));
	u.map.hdr.in_len = sizeof(u.map);
	err = zus_special_ioctl(fd, ZU_IOC_NUMA_MAP, &u);
	close(fd);
	if (err)
		return err;
	if (u.map.possible_nodes > (sizeof(u) - sizeof(u.map)) / sizeof(*nodes))
		return -EIO;
	memset(set, 0, sizeof(*set));
	for (unsigned int n = 0; n < u.map.possible_nodes; n++) {
		for (unsigned int i = 0; i < 16; i++)
			set->bits[i] |= nodes[n].bits[i];
	}
	return 0;
}

int zus_break_all(int root_fd)
{
	struct zufs_ioc_break_all ioc = { .hdr.in_len = sizeof(ioc) };
	int err, fd;

	/* the root itself takes it, and needs no further descriptor; that of 2019 does not */
	err = zus_special_ioctl(root_fd, ZU_IOC_BREAK_ALL, &ioc);
	if (err != -ENOTTY)
		return err;
	fd = zus_special_open(root_fd);
	if (fd < 0)
		return fd;
	err = zus_special_ioctl(fd, ZU_IOC_BREAK_ALL, &ioc);
	close(fd);
	return err;
}

/* ---- channels ---- */

static int map_shared(int fd, size_t bytes, off_t offset, void **addr)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	*addr = p;
	return 0;
}

int zus_channel_open(struct zus_channel *ch, int root_fd, unsigned int channel_no, int cpu)
{
	struct zufs_ioc_init ioc = {
		.hdr.in_len = sizeof(ioc),
		.channel_no = channel_no,
		.max_command = ZUS_MAX_COMMAND,
	};
	struct zus_cmd *cmd = &ch->cmd;
	int err;

	*cmd = (struct zus_cmd){
		.size = ZUS_MAX_COMMAND,
		.window_size = ZUS_API_MAP_MAX_SIZE,
		.cpu = cpu,
	};
	ch->fd = zus_special_open(root_fd);
	if (ch->fd < 0)
		return ch->fd;
	err = zus_special_ioctl(ch->fd, ZU_IOC_INIT_THREAD, &ioc);
	if (err)
		goto err_close;
	err = map_shared(ch->fd, cmd->window_size, 0, &cmd->window);
	if (err)
		goto err_close;
	err = map_shared(ch->fd, cmd->size, ZUS_API_MAP_MAX_SIZE, &cmd->buf);
	if (err)
		goto err_unmap;
	zus_thread_number_serves();
	return 0;

err_unmap:
	munmap(cmd->window, cmd->window_size);
err_close:
	close(ch->fd);
	ch->fd = -1;
	return err;
}

void zus_channel_close(struct zus_channel *ch)
{
	munmap(ch->cmd.buf, ch->cmd.size);
	munmap(ch->cmd.window, ch->cmd.window_size);
	close(ch->fd);
	ch->fd = -1;
}

int zus_channel_wait(struct zus_channel *ch)
{
	return ioctl(ch->fd, ZU_IOC_WAIT_OPT, ch->cmd.buf) < 0 ? -errno : 0;
}

/* ---- the mounter ---- */

int zus_mounter_open(struct zus_mounter *m, int root_fd)
{
	m->size = ZUS_MAX_COMMAND;
	m->msg = calloc(1, m->size);
	if (!m->msg)
		return -ENOMEM;
	m->fd = zus_special_open(root_fd);
	if (m->fd < 0) {
		free(m->msg);
		return m->fd;
	}
	return 0;
}

void zus_mounter_close(struct zus_mounter *m)
{
	close(m->fd);
	free(m->msg);
	m->fd = -1;
}

int zus_mounter_wait(struct zus_mounter *m)
{
	if (ioctl(m->fd, ZU_IOC_MOUNT, m->msg) < 0)
		return -errno;
	/* BREAK and M_MOUNT share the number 1: the positive error tells them apart */
	return m->msg->hdr.err > 0 ? -EINTR : 0;
}

/* ---- devices ---- */

struct pmem {
	struct zus_md md;
	int fd;
	size_t bytes;			/* mapped; with the shadow half if there is one */
};

/* Maps a file at an address that is aligned to 2 MiB, as the kernel's huge entries want. */
static int map_aligned(int fd, size_t bytes, uint8_t **addr)
{
	size_t align = ZUFS_ALLOC_MASK + 1;
	uint8_t *area, *p;

	area = mmap(NULL, bytes + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	p = (uint8_t *)(((uintptr_t)area + ZUFS_ALLOC_MASK) & ~(uintptr_t)ZUFS_ALLOC_MASK);
	if (mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		int err = -errno;

		munmap(area, bytes + align);
		return err;
	}
	if (p > area)
		munmap(area, (size_t)(p - area));
	munmap(p + bytes, align - (size_t)(p - area));
	*addr = p;
	return 0;
}

static int pmem_fill(struct pmem *pm, const struct zufs_ioc_pmem *ioc)
{
	struct zus_md *md = &pm->md;

	md->mdt = ioc->mdt;
	md->dev_index = ioc->dev_index;
	md->flags = ioc->flags;
	md->t1_blocks = le64toh(md->mdt.s_t1_blocks);
	md->t2_blocks = le64toh(md->mdt.s_t2_blocks);
	if (!md->t1_blocks || zus_md_t1_count(&md->mdt) + zus_md_t2_count(&md->mdt) > MD_DEV_MAX)
		return -EIO;
	pm->bytes = md->t1_blocks << ZUS_BLOCK_SHIFT;
	if (le64toh(md->mdt.s_flags) & MDT_F_SHADOW)
		pm->bytes *= 2;
	return map_aligned(pm->fd, pm->bytes, &md->t1);
}

int zus_pmem_grab(void *root_fd, uint64_t sb_id, struct zus_md **md)
{
	struct zufs_ioc_pmem ioc = { .hdr.in_len = sizeof(ioc), .sb_id = sb_id };
	struct pmem *pm = calloc(1, sizeof(*pm));
	int err;

	if (!pm)
		return -ENOMEM;
	pm->fd = zus_special_open(*(int *)root_fd);
	if (pm->fd < 0) {
		err = pm->fd;
		goto err_free;
	}
	err = zus_special_ioctl(pm->fd, ZU_IOC_GRAB_PMEM, &ioc);
	if (!err)
		err = pmem_fill(pm, &ioc);
	if (err)
		goto err_close;
	*md = &pm->md;
	return 0;

err_close:
	close(pm->fd);
err_free:
	free(pm);
	return err;
}

void zus_pmem_release(void *root_fd, struct zus_md *md)
{
	struct pmem *pm = (struct pmem *)md;	/* its first member */

	(void)root_fd;
	munmap(md->t1, pm->bytes);
	close(pm->fd);
	free(pm);
}
