# What every target is compiled with. Warnings are errors only in the presets, so that a packager's
# newer compiler does not fail the build.
add_library(cmibridge_flags INTERFACE)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
target_compile_definitions(cmibridge_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE
                           CMIBRIDGE_VERSION="${PROJECT_VERSION}"
                           $<$<BOOL:${CMIBRIDGE_FAULT_POINTS}>:CMIBRIDGE_FAULT_POINTS>)
target_compile_options(cmibridge_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wpointer-arith
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wformat=2
  -Wundef -Wvla -Wswitch-enum -Wnull-dereference -Wdouble-promotion -Wredundant-decls
  -Wbad-function-cast -Wdate-time -fno-common -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(cmibridge_flags INTERFACE
    -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Wformat-signedness
    -Wformat-truncation=2 -Wformat-overflow=2 -Warith-conversion -Wcast-align=strict
    -Wimplicit-fallthrough=5 -Wstack-usage=32768 -Walloc-zero)
else() # statement expressions come from librdkafka's macros, text as a truth from assert(!"why");
  # -Wassign-enum is left out, for libuv's flags are the sums of its enumerations' values
  target_compile_options(cmibridge_flags INTERFACE -Wno-gnu-statement-expression
    -Wno-string-conversion -Wcomma -Wconditional-uninitialized -Wmissing-variable-declarations
    -Wextra-semi-stmt -Wunreachable-code-aggressive)
endif()
if(CMIBRIDGE_SANITIZE)
  target_compile_options(cmibridge_flags INTERFACE -O1 -fsanitize=${CMIBRIDGE_SANITIZE}
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cmibridge_flags INTERFACE -fsanitize=${CMIBRIDGE_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_options(cmibridge_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE)
  target_link_options(cmibridge_flags INTERFACE -pie
    -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
endif()
# Where most is in line the optimiser sees most. (Of the stack 32 KiB are allowed above, not 16: five
# functions read or write a piece of 16 KiB, or a few paths, on theirs.)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(cmibridge_flags INTERFACE -Wstringop-overflow=4 -Warray-bounds=2)
endif()
# Unoptimised or instrumented, the compiler can judge neither lengths nor stack: dev does.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND (CMIBRIDGE_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug"))
  target_compile_options(cmibridge_flags INTERFACE -Wno-format-truncation -Wno-format-overflow
                         -Wno-stack-usage -Wno-null-dereference)
endif()
if(CMIBRIDGE_FUZZ) # the fuzzer is blind to code that is not built for it
  target_compile_options(cmibridge_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(cmibridge_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
# A failed assert is a defect found, in every build.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")
