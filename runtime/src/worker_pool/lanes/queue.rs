//! First-in-first-out queues that share one store of nodes, so that neither a record nor a lane
//! costs an allocation.

use super::Task;

const NONE: u32 = u32::MAX;

/// One queue: its first and its last node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queue {
    head: u32,
    tail: u32,
}

impl Queue {
    pub(super) const EMPTY: Self = Self {
        head: NONE,
        tail: NONE,
    };

    pub(super) fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    task: Task,
    next: u32,
}

/// The nodes of all queues. As many as the window was ever full, kept for reuse.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    free: u32,
}

impl Default for Nodes {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            free: NONE,
        }
    }
}

impl Nodes {
    #[inline]
    fn take_node(&mut self, task: Task) -> u32 {
        let node = Node { task, next: NONE };
        if self.free == NONE {
            self.nodes.push(node);
            return self.nodes.len() as u32 - 1;
        }
        let index = self.free;
        self.free = self.nodes[index as usize].next;
        self.nodes[index as usize] = node;
        index
    }

    #[inline]
    pub(super) fn push_back(&mut self, queue: &mut Queue, task: Task) {
        let index = self.take_node(task);
        if queue.is_empty() {
            queue.head = index;
        } else {
            self.nodes[queue.tail as usize].next = index;
        }
        queue.tail = index;
    }

    pub(super) fn push_front(&mut self, queue: &mut Queue, task: Task) {
        let index = self.take_node(task);
        self.nodes[index as usize].next = queue.head;
        if queue.is_empty() {
            queue.tail = index;
        }
        queue.head = index;
    }

    #[inline]
    pub(super) fn pop_front(&mut self, queue: &mut Queue) -> Option<Task> {
        if queue.is_empty() {
            return None;
        }
        let index = queue.head;
        let Node { task, next } = self.nodes[index as usize];
        queue.head = next;
        if next == NONE {
            queue.tail = NONE;
        }
        self.nodes[index as usize].next = self.free;
        self.free = index;
        Some(task)
    }

    pub(super) fn front(&self, queue: &Queue) -> Option<&Task> {
        self.nodes.get(queue.head as usize).map(|node| &node.task)
    }

    /// Moves what is not kept to `discarded`; the rest keeps its order.
    pub(super) fn retain(
        &mut self,
        queue: &mut Queue,
        is_kept: impl Fn(&Task) -> bool,
        discarded: &mut Vec<Task>,
    ) {
        let mut kept = Queue::EMPTY;
        while let Some(task) = self.pop_front(queue) {
            if is_kept(&task) {
                self.push_back(&mut kept, task);
            } else {
                discarded.push(task);
            }
        }
        *queue = kept;
    }
}
