"""PSNR and processor time of the golden model beside classical denoisers, in one run."""
