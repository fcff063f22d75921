// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - life of the module: start the subsystems in order, stop them in reverse order
 *
 * zuf.ko feeds a file-system server in user space. A system call comes in through the VFS
 * (super.c, namei.c, rw.c ...) and becomes a message (dispatch.c) on a channel of its CPU
 * (chan.c). A thread of the server waits for the message in an ioctl on a special file
 * (special.c, zt.c) of a root (rootfs.c).
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/module.h>

#include "chan.h"
#include "ends.h"
#include "exec.h"
#include "futexkey.h"
#include "inode.h"
#include "list.h"
#include "lost.h"
#include "pins.h"
#include "poison.h"
#include "root.h"
#include "rootfs.h"
#include "srvmem.h"
#include "super.h"
#include "swap.h"
#include "type.h"
#include "umount.h"
#include "wake.h"

static const struct {
	int (*init)(void);
	void (*fini)(void);
} subsystems[] = {
	{ zuf_wake_init },
	{ zuf_poison_init, zuf_poison_fini },
	{ zuf_inode_cache_init, zuf_inode_cache_fini },
	{ zuf_puts_module_init, zuf_puts_module_fini },
	{ zuf_root_wq_init, zuf_root_wq_fini },
	{ zuf_exec_module_init, zuf_exec_module_fini },
	{ zuf_srvmem_init, zuf_srvmem_fini },
	{ zuf_list_module_init, zuf_list_module_fini },
	{ zuf_ends_module_init, zuf_ends_module_fini },
	{ zuf_umount_module_init, zuf_umount_module_fini },
	{ zuf_pins_init, zuf_pins_fini },
	{ zuf_futexkey_init, zuf_futexkey_fini },
	{ zuf_swap_init, zuf_swap_fini },
	{ zuf_rootfs_init, zuf_rootfs_fini },
};

static void stop_from(int i)
{
	while (i-- > 0)
		if (subsystems[i].fini)
			subsystems[i].fini();
}

static int __init zuf_init(void)
{
	static const struct zuf_type_ops type_ops = {
		.init_fs_context = zuf_init_fs_context,
		.kill_sb = zuf_kill_sb,
	};
	int i, err;

	zuf_types_init(&type_ops);
	zuf_poison_set_lost(zuf_frame_lost);
	for (i = 0; i < ARRAY_SIZE(subsystems); i++) {
		err = subsystems[i].init();
		if (err) {
			pr_err("start of subsystem %d failed: %d\n", i, err);
			stop_from(i);
			return err;
		}
	}
	return 0;
}

static void __exit zuf_exit(void)
{
	stop_from(ARRAY_SIZE(subsystems));
	/* inodes and channels are freed after a grace period, by code of this module */
	rcu_barrier();
}

module_init(zuf_init);
module_exit(zuf_exit);
MODULE_DESCRIPTION("ZUFS feeder: file systems in user space at the speed of the kernel");
MODULE_AUTHOR("The ZUFS developers");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
