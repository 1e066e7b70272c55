// Marks what a shared library of Fovea shows; all else is hidden.
#pragma once

#define FOVEA_API __attribute__((visibility("default")))
