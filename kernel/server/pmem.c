// SPDX-License-Identifier: GPL-2.0-only
/*
 * pmem.c - the role "pmem": the server maps all of T1 of a super-block
 *
 * The file holds a reference to the device set. The mapping ends with the mount at the latest
 * (zuf_devset_revoke).
 */
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "devset.h"
#include "pmem.h"
#include "root.h"
#include "sbid.h"
#include "special.h"
#include "t1map.h"

static int pmem_grab(struct zuf_special *sp, struct zufs_ioc_pmem *ip)
{
	struct zuf_root *root = sp->root;
	struct zuf_devset *ds;
	struct zuf_sbid *sbid;
	int err = 0;

	lockdep_assert_held(&sp->lock);
	mutex_lock(&root->peer.lock);
	sbid = zuf_sbid_find(root, ip->sb_id);
	if (!sbid)
		err = -ENODEV;
	else if (sbid->grabbed)
		err = -EIO;
	else
		err = zuf_devset_attach(sbid->devs, sp->inode->i_mapping);
	if (!err) {
		sbid->grabbed = true;
		ds = zuf_devset_get(sbid->devs);
		sp->devs = ds;
		ip->mdt = ds->mdt;
		ip->dev_index = ds->main_index;
		ip->flags = zuf_t1_is_synchronous(ds) ? ZUFS_PMEM_SYNC : 0;
		i_size_write(sp->inode, ds->t1_bytes << ds->shadow);
		zuf_special_set_role(sp, ZUF_ROLE_PMEM);
	}
	mutex_unlock(&root->peer.lock);
	return err;
}

long zuf_ioc_grab_pmem(struct zuf_special *sp, void __user *arg)
{
	struct zufs_ioc_pmem *ip = kzalloc(sizeof(*ip), GFP_KERNEL_ACCOUNT);
	long err = 0;

	if (!ip)
		return -ENOMEM;
	if (copy_from_user(ip, arg, offsetof(struct zufs_ioc_pmem, mdt))) {
		err = -EFAULT;
		goto out;
	}
	mutex_lock(&sp->lock);
	ip->hdr.err = sp->role == ZUF_ROLE_NONE ? pmem_grab(sp, ip) : -EINVAL;
	mutex_unlock(&sp->lock);
	if (copy_to_user(arg, ip, ip->hdr.err ? sizeof(ip->hdr) : sizeof(*ip)))
		err = -EFAULT;
out:
	kfree(ip);
	return err;
}

static vm_fault_t pmem_fault(struct vm_fault *vmf)
{
	struct zuf_special *sp = vmf->vma->vm_private_data;

	return zuf_t1_fault(sp->devs, vmf, 0);
}

static vm_fault_t pmem_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct zuf_special *sp = vmf->vma->vm_private_data;

	if (order != ZUF_HUGE_ORDER)
		return VM_FAULT_FALLBACK;
	return zuf_t1_fault(sp->devs, vmf, order);
}
ZUF_DEFINE_HUGE_FAULT(pmem_huge_fault)

static const struct vm_operations_struct pmem_vm_ops = {
	.fault = pmem_fault,
	.huge_fault = pmem_huge_fault_op,
};

int zuf_pmem_mmap(struct zuf_special *sp, struct vm_area_struct *vma)
{
	u64 bytes = sp->devs->t1_bytes << sp->devs->shadow;
	u64 start = (u64)vma->vm_pgoff << PAGE_SHIFT;

	if ((vma->vm_start | vma->vm_end | start) & ~HPAGE_PMD_MASK)
		return -EINVAL;
	if (start > bytes || vma->vm_end - vma->vm_start > bytes - start)
		return -EINVAL;
	vm_flags_set(vma, VM_MIXEDMAP | VM_HUGEPAGE | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = sp;
	vma->vm_ops = &pmem_vm_ops;
	return 0;
}

void zuf_pmem_release(struct zuf_special *sp)
{
	zuf_devset_detach(sp->devs);
	zuf_devset_put(sp->devs);
}
