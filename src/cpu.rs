//! Which vector instructions the kernels use, found out when the program runs.
//!
//! All ranks of a job take the widest path that every rank has, so that a mixed cluster computes the same bits everywhere.

/// The instruction set that the kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CpuPath {
    /// Whatever the compiler makes of scalar code for the baseline of the target.
    Portable,
    /// 256-bit vectors with fused operations (x86-64-v3).
    Avx2,
    /// 512-bit vectors (x86-64).
    Avx512,
}

impl CpuPath {
    /// The widest path that this CPU has.
    pub fn best() -> CpuPath {
        #[cfg(target_arch = "x86_64")]
        {
            // Vectors of half the width with all the registers: every CPU with the first one has it but for Knights Landing.
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                return CpuPath::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return CpuPath::Avx2;
            }
        }
        CpuPath::Portable
    }

    /// All paths that this CPU has, the portable one first.
    pub fn available() -> Vec<CpuPath> {
        [CpuPath::Portable, CpuPath::Avx2, CpuPath::Avx512]
            .into_iter()
            .filter(|&path| path <= CpuPath::best())
            .collect()
    }

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            CpuPath::Portable => "portable",
            CpuPath::Avx2 => "avx2",
            CpuPath::Avx512 => "avx512",
        }
    }
}
